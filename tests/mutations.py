"""Seeded damage to texts, bytes and JSON, as lines, servers and attackers do it, and texts that nobody expects."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

ZALGO = "z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334a\u0333\u0331\u0348" * 20
RIGHT_TO_LEFT = "\u202eשלום \u0627\u0644\u0639\u0627\u0644\u0645\u202c\u200f"
EMOJI = "👩‍👩‍👧‍👦🏳️‍🌈😀" * 40
ODD_TEXTS = (
    "", " ", "\0", "a\0b", "\ud800", "x\udfffy", "\udfff\ud800", ZALGO, RIGHT_TO_LEFT, EMOJI, "\ufeff",
    "\u2028", "\x1b[31m", "\x1c\x1d\x1e\x1f", "<script>alert(1)</script>", "<b>He</b> &amp;lt;goes&amp;gt;",
    "&#0;&#xD800;&#x110000;&bogus;&amp", "NaN", "1e999", "-1", "9" * 400, "0" * 5000 + "1", "tt" + "1" * 400,
    "tt١٢٣٤٥٦٧", "../../etc/passwd", "١٩٩٩", "=1+1", "... See full summary »", "Written by Jo Doe",
    "Add a Plot", "İıΣ ΑΣ, Σ", "'", "wanna. cannot gimme", "a" * 3000,
)  # fmt: skip
WRONG_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 2**31, 2**63, 10**400, 0.5, float("nan"), float("inf"), -float("inf"), 1e308, [],
    {}, [[]], [None], [{}], {"text": 1}, {"text": {"text": []}}, [1, "a", None, {}],
)  # fmt: skip
MARKS = (
    "<", ">", "&", '"', "'", "<!--", "-->", "<![CDATA[", "</script>", "<script>", "&#", "&amp;amp;",
    "&#xD800;", "&#0;", "\0", "\ufeff", "\x1a", "\u202e", "\\ud800", "\\u0000", "{", "}", "[", "]", "[[", "{{",
    "<ref>", "==", "\n", " ", "\ud800", "=a=", "(", ")", "|", "<div>", "<b", "</b>", "<table>", "<p ", "<li>",
    "<!DOCTYPE", "<plaintext>", "<svg>", "<math>", "<template>", "<select>",
)  # fmt: skip


def mutate_text(text: str, other: str, rng: random.Random) -> str:
    """Return a text damaged in one to three ways; other is a second one to splice with."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        text = rng.choice(_TEXT_WAYS)(text, other, rng)
    return text


def mutate_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return bytes damaged in one to three ways."""
    for _ in range(rng.choice((1, 1, 2, 3))):
        start, end = _piece(len(content), rng)
        noise = rng.randbytes(rng.choice((1, 2, 8, 100)))
        flipped = bytes(byte ^ 1 << rng.randrange(8) for byte in content[start:end][:3])
        middle = rng.choice((b"", noise, flipped, content[start:end] * rng.choice((2, 30)), b"\0", b"\r", b'"', b"\n"))
        content = rng.choice((content[:start] + middle + content[end:], content[:end]))
    return content


def mutate_json(tree: Any, rng: random.Random) -> Any:
    """Return a copy of a JSON tree with one to four of its values missing, repeated, swapped or of another kind."""
    tree = json.loads(json.dumps(tree))
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = list(_places(tree))
        if not places:
            return _odd_value(rng)
        holder, key = rng.choice(places)
        way = rng.randrange(6)
        if way == 0:
            del holder[key]
        elif way == 1:
            holder[key] = [holder[key]] * rng.choice((1, 3, 200))
        elif way == 2:
            other, place = rng.choice(places)
            # Copied: a tree that holds itself is no JSON.
            taken = json.loads(json.dumps(other[place]))
            holder[key] = taken
        else:
            holder[key] = _odd_value(rng)
    return tree


def dump_json(tree: Any, rng: random.Random) -> str:
    """Return a tree as JSON of one of the kinds that servers write: escaped or not, infinity as 1e999."""
    return json.dumps(tree, ensure_ascii=rng.random() < 0.5).replace("Infinity", rng.choice(("Infinity", "1e999")))


def wrong_values() -> Iterator[Any]:
    """Yield everything that a value of JSON may be instead of what is expected."""
    yield from (*WRONG_VALUES, *ODD_TEXTS, nested(300))


def replacements(tree: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Yield holder, key and value of every place in a JSON tree."""
    for holder, key in list(_places(tree)):
        yield holder, key, holder[key]


def nested(depth: int) -> Any:
    """Return lists in lists."""
    return functools.reduce(lambda inner, _: [inner], range(depth), "x")


def _odd_value(rng: random.Random) -> Any:
    return rng.choice((rng.choice(WRONG_VALUES), rng.choice(ODD_TEXTS), nested(rng.choice((2, 50, 300)))))


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        for key in range(len(holder)) if isinstance(holder, list) else list(holder) if isinstance(holder, dict) else ():
            yield holder, key
            waiting.append(holder[key])


def _piece(length: int, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(length + 1)
    return start, min(length, start + rng.choice((1, 5, 50, 500, 5000)))


def _cut_out(text: str, other: str, rng: random.Random) -> str:
    start, end = _piece(len(text), rng)
    return text[:start] + text[end:]


def _cut_off(text: str, other: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    return rng.choice((text[:start], text[start:]))


def _repeat(text: str, other: str, rng: random.Random) -> str:
    start, end = _piece(len(text), rng)
    times = min(rng.choice((2, 20, 500, 5000)), 300_000 // max(end - start, 1) + 1)
    return text[:end] + text[start:end] * times + text[end:]


def _swap(text: str, other: str, rng: random.Random) -> str:
    start, end = _piece(len(text), rng)
    after, last = _piece(len(text) - end, rng)
    return (
        text[:start] + text[end + after : end + last] + text[end : end + after] + text[start:end] + text[end + last :]
    )


def _splice(text: str, other: str, rng: random.Random) -> str:
    return text[: rng.randrange(len(text) + 1)] + other[rng.randrange(len(other) + 1) :]


def _insert(text: str, other: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    odd = rng.choice((*MARKS, *ODD_TEXTS)) * rng.choice((1, 1, 3, 200))
    return text[:start] + odd + text[start:]


def _replace(text: str, other: str, rng: random.Random) -> str:
    start, end = _piece(len(text), rng)
    return text[:start] + rng.choice((*MARKS, *ODD_TEXTS)) + text[end:]


def _flip(text: str, other: str, rng: random.Random) -> str:
    return mutate_bytes(text.encode("utf-8", "surrogatepass"), rng).decode("utf-8", "replace")


def _misread(text: str, other: str, rng: random.Random) -> str:
    written, read = rng.choice(
        (("utf-8", "latin-1"), ("utf-16", "latin-1"), ("utf-8", "cp1252"), ("utf-16-le", "utf-8"))
    )
    return text.encode(written, "replace").decode(read, "replace")


def _nest(text: str, other: str, rng: random.Random) -> str:
    start = rng.randrange(len(text) + 1)
    mark = rng.choice(("<div>", "<b>", "<li>", "<span>", "<table><tr><td>", "[", "{", '{"a":', "[[", "{{a|", "''"))
    return text[:start] + mark * rng.choice((3, 60, 115, 400, 100_000)) + text[start:]


def _widen(text: str, other: str, rng: random.Random) -> str:
    start = text.find('="', rng.randrange(len(text) + 1)) + 2
    return text[:start] + rng.choice(("x", " ", "(", "&amp;", "1 ")) * rng.choice((1000, 200_000)) + text[start:]


_TEXT_WAYS: tuple[Callable[[str, str, random.Random], str], ...] = (
    _cut_out, _cut_out, _cut_off, _repeat, _swap, _splice, _insert, _insert, _replace, _replace, _flip, _flip,
    _misread, _nest, _widen,
)  # fmt: skip
