"""Everything that `genreflow doctor` looks at, in the order of the data's way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from conf.operation import without_login
from conf.schema import Settings
from flows.servers import is_free
from flows.session import running_server, server_answers
from tasks import health
from tasks.health import Finding

# The local movie site's, and those of genreflow ui.
PORTS = {8700: "genreflow site --port", 4200: "genreflow ui --prefect-port", 5000: "genreflow ui --mlflow-port"}


def examine(home: Path, settings: Settings) -> Iterator[Finding]:
    """Yield what was found of each thing that a run needs; nothing in the home is changed."""
    yield from health.look_at_packages()
    yield from health.look_at_extras(settings)
    yield from health.look_at_home(home)
    yield from health.look_at_titles(home)
    yield from look_at_servers(home)
    yield from health.look_at_mlflow(home, settings.track)


def look_at_servers(home: Path) -> Iterator[Finding]:
    """Say which Prefect server a command would use, and which of the usual ports are taken."""
    address = os.environ.get("PREFECT_API_URL")
    ours = running_server(home)
    if address and not server_answers(address):
        told = f"{without_login(address)} (PREFECT_API_URL) does not answer"
        yield Finding("Prefect server", "wrong", told, "start it, or unset PREFECT_API_URL")
    elif address or ours:
        yield Finding("Prefect server", "fine", without_login(address or ours or ""))
    else:
        yield Finding("Prefect server", "fine", "none runs: each command starts one of its own, without pages")
    for port, option in PORTS.items():
        if not is_free(port) and not (ours and option.startswith("genreflow ui")):
            yield Finding(f"port {port}", "note", "taken by another process", f"{option} NUMBER")
