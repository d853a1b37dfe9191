"""Pages of the local movie site: what scrapers read of IMDb's Next.js pages, and nothing else of them."""

from __future__ import annotations

import html
from collections.abc import Sequence

from scraper.site.facts import Facts, invent_facts
from scraper.site.linked_data import linked_data
from scraper.site.next_data import (
    LANGUAGE,
    Json,
    dump_script,
    interests,
    main_page_props,
    next_data,
    plots_page_props,
    reference_page_props,
)
from scraper.site.plain_pages import name_title
from scraper.site.titles import SiteTitle

# The narrow layout's outline is cut at so many characters and ends in "..." and a link.
NARROW_OUTLINE = 190
# A user's summary is the first so many characters of the synopsis, up to the end of a sentence.
USER_SUMMARY = 500
_HTML_CONTENT = '<div class="ipc-html-content ipc-html-content--base" role="presentation">'
_INNER = '<div class="ipc-html-content-inner-div">'


def render_main(title: SiteTitle) -> str:
    """Render /title/ttN/: `__NEXT_DATA__`, JSON-LD and the visible hero."""
    facts = invent_facts(title.title_id)
    path = f"/title/{title.title_id}/"
    heading = name_title(title)
    linked = dump_script(linked_data(title, facts))
    rating = f" ⭐ {facts.rating}" if facts.rating is not None else ""
    preview = html.escape(f"{heading}{rating} | {', '.join(title.genres[:3])}")
    shared = f'<meta property="og:title" content="{preview}"/>' if heading else ""
    head = (
        f"<title>{html.escape(heading)} - IMDb</title>"
        f'{shared}<meta property="og:type" content="video.movie"/>'
        f'<meta property="og:description" content="{_spoken(facts)}"/>'
        f'<script type="application/ld+json">{linked}</script>'
    )
    named = html.escape(title.title or "")
    chips = "".join(
        f'<a class="ipc-chip ipc-chip--on-baseAlt" href="/interest/"><span class="ipc-chip__text">{text}</span></a>'
        for text in map(html.escape, interests(title))
    )
    body = (
        '<section class="ipc-page-section" data-testid="atf-wrapper-bg"><h1 data-testid="hero__pageTitle">'
        f'<span class="hero__primary-text" data-testid="hero__primary-text">{named}</span></h1>'
        f'<div class="ipc-chip-list" data-testid="interests">{chips}</div>{_render_outline(title, path)}</section>'
        '<section data-testid="Storyline"><div data-testid="storyline-loader"></div></section>'
        f'<section data-testid="BoxOffice"><ul>{_render_money(facts)}</ul></section>'
    )
    return _document(head, path, body, next_data("/title/[tconst]", title.title_id, main_page_props(title, facts)))


def render_reference(title: SiteTitle) -> str:
    """Render /title/ttN/reference/: everything in one page, of the summaries the first one by a user."""
    facts = invent_facts(title.title_id)
    path = f"/title/{title.title_id}/reference/"
    heading = html.escape(name_title(title))
    retold = _user_summary(title)
    summary = (escape_text(retold), facts.plot_author) if retold else None
    synopsis = escape_text(title.synopsis) if title.synopsis else None
    body = f'<h1 data-testid="hero__pageTitle">{html.escape(title.title or "")}</h1>'
    data = next_data("/title/[tconst]/reference", title.title_id, reference_page_props(title, facts, summary, synopsis))
    return _document(f"<title>{heading} - Reference - IMDb</title>", path, body, data)


def render_plots(title: SiteTitle) -> str:
    """Render /title/ttN/plotsummary/: the outline, a user's summary for some, and the synopsis."""
    facts = invent_facts(title.title_id)
    path = f"/title/{title.title_id}/plotsummary/"
    heading = html.escape(name_title(title))
    summaries = [_content(title.summary)] if title.summary else []
    retold = _user_summary(title)
    if retold:
        summaries.append(_content(retold, facts.plot_author))
    synopses = [_content(title.synopsis)] if title.synopsis else []
    body = (
        f'<h2 data-testid="subtitle">{heading}</h2><h1>Plot</h1>'
        + _render_section("summaries", "Summaries", summaries)
        + _render_section("synopsis", "Synopsis", synopses)
    )
    props = plots_page_props(title, facts, summaries, synopses)
    data = next_data("/title/[tconst]/plotsummary", title.title_id, props)
    return _document(f"<title>{heading} - Plot - IMDb</title>", path, body, data)


def escape_text(text: str) -> str:
    """Escape a text as IMDb's htmlContent has it: entities for markup and quotes, br for a line's end."""
    return html.escape(text, quote=True).replace("\r", "&#13;").replace("\n", "<br/>")


def _document(head: str, path: str, body: str, data: Json) -> str:
    return (
        f'<!DOCTYPE html><html lang="{LANGUAGE}"><head><meta charset="utf-8"/>{head}'
        f'<link rel="canonical" href="{path}"/></head><body><div id="__next"><main>{body}</main></div>'
        f'<script id="__NEXT_DATA__" type="application/json">{dump_script(data)}</script></body></html>'
    )


def _spoken(facts: Facts) -> str:
    length = [] if facts.run_time is None else [f"{facts.run_time // 60}h {facts.run_time % 60}m"]
    return " | ".join(length + ([] if facts.mpaa is None else [facts.mpaa]))


def _render_outline(title: SiteTitle, path: str) -> str:
    if not title.summary:
        link = f'<a href="/updates?update={title.title_id}:outlines.add">Add a plot</a>'
        return f'<p data-testid="plot"><span role="presentation" data-testid="plot-xl">{link}</span></p>'
    whole = html.escape(title.summary)
    narrow = whole
    if len(title.summary) > NARROW_OUTLINE:
        cut = html.escape(title.summary[:NARROW_OUTLINE])
        narrow = f'{cut}...</span> <a data-testid="plot-read-all-link" href="{path}plotsummary/">Read all</a><span>'
    return (
        f'<p data-testid="plot"><span role="presentation" data-testid="plot-xs_to_m"><span>{narrow}</span></span>'
        f'<span role="presentation" data-testid="plot-l"><span>{whole}</span></span>'
        f'<span role="presentation" data-testid="plot-xl"><span>{whole}</span></span></p>'
    )


def _render_money(facts: Facts) -> str:
    rows = (
        ("title-boxoffice-budget", "Budget", facts.budget, facts.budget_currency, " (estimated)"),
        (
            "title-boxoffice-cumulativeworldwidegross",
            "Gross worldwide",
            facts.world_gross,
            facts.world_gross_currency,
            "",
        ),
    )
    return "".join(
        f'<li data-testid="{key}"><span class="ipc-metadata-list-item__label">{label}</span>'
        f'<span class="ipc-metadata-list-item__list-content-item">{_spell_money(amount, currency)}{note}</span></li>'
        for key, label, amount, currency, note in rows
        if amount is not None
    )


def _spell_money(amount: int, currency: str | None) -> str:
    signs = {"USD": "$", "GBP": "£", "EUR": "€", "INR": "₹"}
    return f"{signs.get(currency or '', currency or '')}{amount:,}"


def _user_summary(title: SiteTitle) -> str | None:
    # Beside the outline about half of the titles that have a synopsis carry a summary by a user, as on IMDb
    # most do; it must never be taken for the outline, nor for the rest of one that ends in "...".
    if not title.summary or not title.synopsis or int(title.title_id[-1]) % 2:
        return None
    if title.summary.endswith(("...", "…")):
        return None
    start = title.synopsis[:USER_SUMMARY]
    return start[: start.rfind(". ") + 1] or start


def _content(text: str, author: str | None = None) -> str:
    signed = ""
    if author:
        name = html.escape(author)
        signed = f'<span style="display:block">—<a href="/search/title/?plot_author={name}">{name}</a></span>'
    return f"{_HTML_CONTENT}{_INNER}{escape_text(text)}{signed}</div></div>"


def _render_section(key: str, name: str, contents: Sequence[str]) -> str:
    head = f'<section class="ipc-page-section"><h3 class="ipc-title__text"><span id="{key}">{name}</span></h3>'
    if not contents:
        missing = f"It looks like we don&#x27;t have any {name} for this title yet."
        inner = f"{_HTML_CONTENT}{_INNER}{missing}</div></div>"
    else:
        items = "".join(
            '<li role="presentation" class="ipc-metadata-list__item" data-testid="list-item">'
            f"{_HTML_CONTENT}{_INNER}{content}</div></div></li>"
            for content in contents
        )
        inner = f'<ul class="ipc-metadata-list" role="presentation">{items}</ul>'
    return f'{head}<div data-testid="sub-section-{key}">{inner}</div></section>'
