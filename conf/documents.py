"""YAML as people and files give it: plain values only, read within limits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

# A configuration has a few hundred values; aliases let a line of text stand for millions.
MOST_BYTES = 2**18
MOST_VALUES = 50_000
DEEPEST = 40


class DocumentError(ValueError):
    """Say why a text is not read as YAML."""


def read_document(path: Path) -> Any:
    """Read a YAML file; raises DocumentError, without the file's name, where it is none or beyond a limit."""
    if path.stat().st_size > MOST_BYTES:
        raise DocumentError(f"{path.stat().st_size:,} bytes, more than the {MOST_BYTES:,} that any configuration needs")
    try:
        return parse_document(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise DocumentError(str(error)) from None


def parse_document(text: str) -> Any:
    """Return the plain values that a text of YAML stands for, None for none; raises DocumentError."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return None
        if (values := _count(node, {})) > MOST_VALUES:
            raise DocumentError(f"its aliases stand for {values:,} values, more than the {MOST_VALUES:,} allowed")
        return loader.construct_document(node)
    except RecursionError:
        raise DocumentError("a value inside itself") from None
    except DocumentError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        # A date that is in no calendar and a number of thousands of digits are a ValueError of Python's own.
        raise DocumentError(str(error)) from None


class _Loader(yaml.SafeLoader):
    """Read plain values only, nested so deeply at most."""

    _depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Compose a node and those in it."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise DocumentError(f"nested more than {DEEPEST} deep")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def _count(node: yaml.Node, known: dict[int, int]) -> int:
    """Count the values that a node stands for once each alias is written out; known holds those of nodes counted."""
    if id(node) not in known:
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        # A node inside itself is counted for ever, which ends as a RecursionError.
        known[id(node)] = 1 + sum(_count(each, known) for each in inner)
    return known[id(node)]
