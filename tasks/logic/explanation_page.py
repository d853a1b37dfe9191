"""An explanation as one HTML page that needs nothing else: every piece of text escaped, no script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from tasks.logic.explanation import Explanation, GenreWords, Span, leading

# Blue and orange are told apart by nearly everyone; the lists have signs besides.
_FOR, _AGAINST = "37, 99, 235", "234, 120, 12"
# Words of less weight than this, beside the heaviest, keep a plain background.
_FAINTEST = 0.05

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.7 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; color: #111;
        background: #fff; }}
h2 {{ margin-bottom: 0; }}
mark {{ color: inherit; border-radius: 3px; padding: 1px 2px; }}
.figures {{ color: #555; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p class="figures">Blue words speak for a genre, orange ones against it, the more the stronger. A figure is what a word
adds to the genre's log-odds, all its places together; in brackets is its share of what all words add or take.</p>
{genres}
</body>
</html>
"""
_GENRE = """<section>
<h2>{genre}</h2>
<p class="figures">probability {probability:.3f}{predicted}</p>
<p>{text}</p>
<p class="figures">for: {words_for}<br>against: {words_against}</p>
</section>"""


def render(figures: dict[str, Any]) -> str:
    """Return the page of one text's prediction with its explanation (as predict_text of tasks.answers has them)."""
    explanation: Explanation = figures["explanation"]
    genres = "\n".join(
        _GENRE.format(
            genre=escape(genre),
            probability=figures["probabilities"][genre],
            predicted=", predicted" if genre in figures["genres"] else ", not predicted, but the most probable genre",
            text=mark_up(explanation["text"], told["spans"]),
            words_for=_list(told, 1),
            words_against=_list(told, -1),
        )
        for genre, told in explanation["genres"].items()
    )
    return _PAGE.format(title=escape(f"{figures['model']} ({figures['recipe']})"), genres=genres)


def mark_up(text: str, spans: Sequence[Span]) -> str:
    """Return a text as HTML, its words on a background by their weight, the rest as it is."""
    heaviest = max((abs(span["weight"]) for span in spans), default=0.0)
    parts, done = [], 0
    for span in spans:
        strength = abs(span["weight"]) / heaviest if heaviest else 0.0
        if strength < _FAINTEST:
            continue
        colour = _FOR if span["weight"] > 0 else _AGAINST
        style = f"background: rgba({colour}, {strength * 0.6:.2f})"
        word = f'<mark style="{style}" title="{span["weight"]:+.3f}">{escape(text[span["start"] : span["end"]])}</mark>'
        parts += [escape(text[done : span["start"]]), word]
        done = span["end"]
    return "".join([*parts, escape(text[done:])])


def _list(told: GenreWords, sign: int) -> str:
    words = (
        f"{escape(word['word'])} {word['weight']:+.2f} ({abs(word['share']):.0%})"
        for word in leading(told["words"], sign)
    )
    return ", ".join(words) or "no word"
