"""JSON as it should not be: damaged, nested without end, or of another shape than its interface's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

_DEPTH = 100_000
_PAGE = b'<!DOCTYPE html><html><body><script id="__NEXT_DATA__" type="application/json">%s</script></body></html>'
# More than a float holds, and half of a character.
_HUGE, _HALF = 10**400, "\ud83c"


def break_json(body: bytes) -> bytes:
    """Return a body whose JSON no parser takes."""
    return body.replace(b'{"', b'{{"')


def nest_json(is_page: bool) -> bytes:
    """Return JSON of great depth, in a page or alone."""
    deep = b'{"props":' * _DEPTH + b"1" + b"}" * _DEPTH
    return _PAGE % deep if is_page else deep


def reshape_json(body: bytes, choice: int) -> bytes:
    """Return the JSON of a body in another shape; choice is any number."""
    change = _CHANGES[choice % len(_CHANGES)]
    return json.dumps(change(json.loads(body))).encode()


def _replace(tree: Any, wanted: type, make: Callable[[Any], Any]) -> Any:
    """Return a tree with all values of a type, outer ones before inner ones, made into others."""
    if type(tree) is wanted:
        return make(tree)
    if isinstance(tree, dict):
        return {key: _replace(value, wanted, make) for key, value in tree.items()}
    return [_replace(value, wanted, make) for value in tree] if isinstance(tree, list) else tree


_CHANGES: tuple[Callable[[Any], Any], ...] = (
    lambda tree: None,
    lambda tree: [tree],
    lambda tree: "an answer",
    lambda tree: {},
    lambda tree: {key: None for key in tree},
    lambda tree: _replace(tree, list, lambda value: {str(place): each for place, each in enumerate(value)}),
    lambda tree: _replace(tree, list, lambda value: [None, 7, [value], "x"]),
    lambda tree: _replace(tree, str, lambda value: 7),
    lambda tree: _replace(tree, str, lambda value: [value]),
    lambda tree: _replace(tree, dict, lambda value: {key + _HALF: each for key, each in value.items()}),
    lambda tree: _replace(tree, int, lambda value: _HUGE),
    lambda tree: _replace(tree, float, lambda value: float("inf")),
)
