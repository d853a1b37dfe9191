"""Articles of the local encyclopedia: a film's lead, infobox, plot, cast and reception as wikitext.

The markup is that of https://www.mediawiki.org/wiki/Help:Formatting and https://www.mediawiki.org/wiki/Help:Links;
the order of the sections and the infobox are those of https://en.wikipedia.org/wiki/Wikipedia:Manual_of_Style/Film.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

from scraper.site.apis.articles import name_plainly
from scraper.site.apis.labels import label_genres
from scraper.site.apis.reply import draw_point, release_date
from scraper.site.facts import Facts, invent_facts
from scraper.site.titles import SiteTitle

# Share of titles whose article has no plot section, and of those whose plot has a heading of its own before its end.
NO_PLOT, SUBSECTION = 1 / 25, 0.15
# Headings of plots, each for titles up to its point.
HEADINGS = (("Plot", 0.7), ("Plot summary", 0.85), ("Synopsis", 1.0))
# Share of the longer words that are a link, a link under another name, or in italics; share of sentences with a note.
LINKED, RENAMED, ITALIC, NOTED = 0.02, 0.04, 0.01, 0.1
NOTES = (
    "{{citation needed|date=May 2012}}",
    "<ref>{{cite web |url=https://example.org/films |title=Film notes |date=2011}}</ref>",
    '<ref name="notes" />',
    "<!-- Check this against the film. -->",
)
COMMENT = "<!-- Per WP:FILMPLOT, plots are between 400 and 700 words. Please do not lengthen. -->"
REFERENCE = '<ref name="notes">{{cite book |last=Doe |title=Films & {{Lang|en|people}} |year=2009 |page=12}}</ref>'

# Not beside an apostrophe, which italics would join, nor in a character's name, nor in a part of a longer word.
_WORD = re.compile(r"(?<![\w'’&#-])[A-Za-z]{4,}(?![\w'’;-])")
_SENTENCE_END = re.compile(r"(?<=[.!?])(?= )")
_LINK = re.compile(r"\[\[(?:[^]|]*\|)?([^]]*)\]\]")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_MARKUP = re.compile(r"[<>\[\]{}|]|''+|^'|'$|~~~|__|^[*#:;=]|^----")


def write_article(title: SiteTitle) -> str:
    """Write the article of a title."""
    facts = invent_facts(title.title_id)
    name = escape(title.title or "")
    year = f"{title.year} " if title.year is not None else ""
    head = f"{{{{Short description|{year}film}}}}\n{{{{Use mdy dates|date=May 2012}}}}\n{_write_infobox(title, facts)}"
    sections = [
        f"{head}\n'''''{name}''''' {_introduce(title, facts)}{REFERENCE}",
        write_plot(title),
        "== Cast ==\n" + _write_cast(facts),
        f"== Reception ==\nCritics were divided over ''{name}''.{NOTES[1]} Audiences liked it better.",
        f"== References ==\n{{{{reflist}}}}\n\n[[Category:{year}films]]",
    ]
    return "\n\n".join(filter(None, sections)) + "\n"


def write_list(year: int | None, titles: Iterable[SiteTitle]) -> str:
    """Write the article that lists films of a year which have none of their own: a section each, and no plot."""
    made = f"released in {year}" if year is not None else "whose year is not known"
    sections = (
        f"== {name_plainly(title.title)} ==\n''{escape(title.title or '')}'' "
        f"{_introduce(title, invent_facts(title.title_id))}"
        for title in titles
    )
    return f"This is a '''list of films''' {made}.{REFERENCE}\n\n" + "\n\n".join(sections) + "\n"


def lead_text(title: SiteTitle) -> str:
    """Return the opening of a title's article as its reader sees it."""
    sentence = _LINK.sub(r"\1", _introduce(title, invent_facts(title.title_id)))
    return f"{' '.join((title.title or '').split())} {sentence}"


def plot_heading(title: SiteTitle) -> str | None:
    """Return the heading of a title's plot section, None where its article has no such section."""
    if not _paragraphs(title) or draw_point(title.title_id, "plot") < NO_PLOT:
        return None
    point = draw_point(title.title_id, "heading")
    return next(heading for heading, end in HEADINGS if point < end)


def plot_text(title: SiteTitle) -> str | None:
    """Return a title's plot as its reader sees it, None where its article has no plot section.

    It is the synopsis, else the summary: each of its lines a paragraph, white space made single, headings left out.
    """
    return "\n\n".join(_paragraphs(title)) if plot_heading(title) else None


def has_subsection(title: SiteTitle) -> bool:
    """Say whether a level-three heading stands before the last paragraph of a title's plot."""
    if plot_heading(title) is None or len(_paragraphs(title)) < 2:
        return False
    return draw_point(title.title_id, "subsection") < SUBSECTION


def write_plot(title: SiteTitle) -> str | None:
    """Write a title's plot section, None where its article has none."""
    heading = plot_heading(title)
    if heading is None:
        return None
    rng = random.Random(f"wikitext/{title.title_id}")
    paragraphs = [_mark_up(rng, paragraph) for paragraph in _paragraphs(title)]
    paragraphs[0] += REFERENCE
    if has_subsection(title):
        paragraphs[-1] = f"=== Ending ===\n{paragraphs[-1]}"
    return f"== {heading} ==\n{COMMENT}\n" + "\n\n".join(paragraphs)


def escape(text: str) -> str:
    """Return text as one line of wikitext that shows just that text, white space made single."""
    line = _ENTITY.sub("&amp;", " ".join(text.split()))
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), line)


def _paragraphs(title: SiteTitle) -> list[str]:
    lines = (" ".join(line.split()) for line in (title.synopsis or title.summary or "").splitlines())
    return [line for line in lines if line]


def _mark_up(rng: random.Random, paragraph: str) -> str:
    def mark(found: re.Match[str]) -> str:
        word, point = found[0], rng.random()
        if point < LINKED:
            return f"[[{word}]]"
        if point < LINKED + RENAMED:
            return f"[[{word.capitalize()} (disambiguation)|{word}]]"
        return f"''{word}''" if point < LINKED + RENAMED + ITALIC else word

    def note(found: re.Match[str]) -> str:
        return rng.choice(NOTES) if rng.random() < NOTED else ""

    return _SENTENCE_END.sub(note, _WORD.sub(mark, escape(paragraph)))


def _introduce(title: SiteTitle, facts: Facts) -> str:
    *others, last = label_genres(title.genres) or ("film",)
    links = [f"[[{label}|{label.removesuffix(' film')}]]" for label in others] + [f"[[{last}]]"]
    kind = " ".join(links) if last.endswith("film") else " ".join(links) + " film"
    year = f"{title.year} " if title.year is not None else ""
    article = "an" if not year and (others or [last])[0][0] in "aeiou" else "a"
    directed = " and ".join(f"[[{name}]]" for name in facts.directors)
    return f"is {article} {year}{kind} directed by {directed}."


def _write_infobox(title: SiteTitle, facts: Facts) -> str:
    day = release_date(title)
    fields = {
        "name": escape(title.title or ""),
        "director": "{{ubl|" + "|".join(f"[[{name}]]" for name in facts.directors) + "}}",
        "writer": ", ".join(facts.writers),
        "starring": "{{plainlist|\n" + "\n".join(f"* [[{name}]]" for name in facts.actors[:4]) + "\n}}",
        "released": f"{{{{Film date|{day.year}|{day.month:02}|{day.day:02}}}}}" if day else "",
        "runtime": f"{facts.run_time} minutes" if facts.run_time is not None else "",
        "country": ", ".join(facts.countries),
        "language": ", ".join(facts.languages),
    }
    rows = "\n".join(f"| {key:<8} = {value}" for key, value in fields.items())
    return f"{{{{Infobox film\n{rows}\n}}}}"


def _write_cast(facts: Facts) -> str:
    parts = (f"* [[{name}]] as {name.split()[0]}" for name in facts.actors)
    return "\n".join(parts) or "Who played in it is not known."
