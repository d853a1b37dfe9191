"""What the command line shows of what it serves, deploys and removes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from conf.operation import without_login
from flows.report.terminal import as_json, command
from tasks.health import Finding
from tasks.terminal import open_console

STYLES = {"fine": "none", "note": "yellow", "wrong": "red"}


def serving(titles: int, port: int) -> None:
    """Say where the local movie site answers."""
    open_console().print(f"{titles:,} titles at http://127.0.0.1:{port}/title/ (Ctrl-C stops)", highlight=False)


def deployed(names: Sequence[str], home: Path, server: str, json_output: bool) -> None:
    """Say what was deployed where, and what to type next."""
    server = without_login(server)
    if json_output:
        as_json({"deployments": names, "home": str(home), "server": server})
        return
    console = open_console(highlight=False, soft_wrap=True)
    console.print(f"{len(names)} deployments on {server}, for {home}: {', '.join(names)}")
    console.print("Schedules are paused until you switch them on. Next, each in a terminal of its own:")
    console.print(f"  {command()} worker --home {home}   # runs what is scheduled or asked for")
    console.print(f"  PREFECT_API_URL={server} prefect deployment run pipeline/pipeline --watch   # or on the page")


def cleaned(unneeded: Sequence[Any], deleted: bool, json_output: bool) -> None:
    """List what nobody needs, or what was removed, with its bytes."""
    if json_output:
        as_json({"deleted": deleted, "unneeded": [each._asdict() for each in unneeded]})
        return
    console = open_console(highlight=False)
    if not unneeded:
        console.print("nothing to remove: all that is here is among the newest, or needed by them")
        return
    table = Table("what", "name", "MB")
    table.columns[-1].justify = "right"
    for each in unneeded:
        table.add_row(each.kind, each.name, f"{each.bytes / 1e6:,.1f}")
    console.print(table)
    total = sum(each.bytes for each in unneeded)
    counts = Counter(each.kind for each in unneeded)
    told = ", ".join(f"{count} {kind}{'s' if count > 1 else ''}" for kind, count in counts.items())
    verb = "removed" if deleted else "can go (--delete removes it)"
    console.print(f"{told}, {total / 1e6:,.1f} MB: {verb}")


def examined(findings: Sequence[Finding], json_output: bool) -> None:
    """Show what was found, one line a thing, with what to type below what is wrong or lacking."""
    if json_output:
        as_json([each._asdict() for each in findings])
        return
    console = open_console(highlight=False, soft_wrap=True)
    width = max(len(each.what) for each in findings)
    for each in findings:
        console.print(f"{each.state:5}  {each.what:{width}}  {each.told}", style=STYLES[each.state])
        if each.remedy:
            console.print(f"{'':5}  {'':{width}}  -> {each.remedy}")
    wrong = sum(each.state == "wrong" for each in findings)
    console.print(f"{wrong} thing{'s' if wrong != 1 else ''} wrong" if wrong else "nothing is wrong")
