"""A new virtual environment that holds what requirements ask for and nothing else, made without a network.

Its packages are links to those of the running environment: which ones is told by their own metadata, as an installer
would read it.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SCRIPT = """#!{python}
import sys
from {module} import {start}
sys.exit({call}())
"""


def make_environment(folder: Path, requirements: Iterable[str]) -> Path:
    """Make an environment and return the folder of its commands, python among them."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for found in closure(requirements):
        assert found.files is not None, found.name
        root = Path(str(found.locate_file("")))
        _link(root, packages, [file.parts for file in found.files if file.parts[0] not in ("..", "__pycache__")])
        _write_commands(found, folder / "bin")
    return folder / "bin"


def closure(requirements: Iterable[str]) -> list[Distribution]:
    """Return the distributions that requirements need, each in the version asked for; fails on another version."""
    found: dict[str, Distribution] = {}
    seen: set[tuple[str, frozenset[str]]] = set()
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        asked = waiting.pop()
        name = canonicalize_name(asked.name)
        if (name, frozenset(asked.extras)) in seen:
            continue
        seen.add((name, frozenset(asked.extras)))
        found.setdefault(name, distribution(name))
        version = found[name].version
        assert asked.specifier.contains(version, prereleases=True), f"{asked} is needed, {version} is installed"
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(needed.marker.evaluate({"extra": each}) for each in ("", *asked.extras)):
                waiting.append(needed)
    return list(found.values())


def _link(source: Path, target: Path, files: Sequence[tuple[str, ...]]) -> None:
    """Link what distributions share with nobody: modules, packages and metadata; a namespace is a folder of its own."""
    below: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for first, *rest in files:
        below[first].append(tuple(rest))
    for name, parts in below.items():
        place = source / name
        if place.is_dir() and place.suffix != ".dist-info" and not (place / "__init__.py").exists():
            (target / name).mkdir(exist_ok=True)
            _link(place, target / name, parts)
        elif not (target / name).is_symlink():
            (target / name).symlink_to(place)


def _write_commands(found: Distribution, commands: Path) -> None:
    for entry in found.entry_points.select(group="console_scripts"):
        start, _, _ = entry.attr.partition(".")
        script = commands / entry.name
        script.write_text(SCRIPT.format(python=commands / "python", module=entry.module, start=start, call=entry.attr))
        script.chmod(0o755)
