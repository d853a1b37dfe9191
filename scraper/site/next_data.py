"""What a page of the local movie site carries in `__NEXT_DATA__`.

The shape is that of IMDb's Next.js pages since late 2025 (castV2, crewV2, titleGenres); only what scrapers read
is there.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from typing import Any

from scraper.site.facts import Facts
from scraper.site.titles import SiteTitle

Json = dict[str, Any]

LANGUAGE = "en-US"
DIRECTOR_GROUP = "amzn1.imdb.concept.name_credit_category.ace5cb4c-8708-4238-9542-04641e7c8171"
WRITER_GROUP = "amzn1.imdb.concept.name_credit_category.c84ecaff-add5-4f2e-81db-102a41881fe3"
CAST_GROUP = "amzn1.imdb.concept.name_credit_group.7caf7d16-5db9-4f4f-8864-d4c6e711c686"
# Every page carries its placeholders' texts, so none may be searched for in the raw body.
TRANSLATIONS = {
    "common_subpages_title_contributePrompt": "It looks like we don't have any {section} for this title yet.",
    "title_main_hero_plot_addPlot": "Add a plot",
    "title_main_hero_plot_addPlotInYourLanguage": "Add a plot in your language",
    "title_main_hero_plot_readAll": "Read all",
    "title_main_storyline_addSynopsis": "Add synopsis",
    "title_main_storyline_addFullPlot": "Add full plot",
    "title_main_storyline_plotSummary": "Plot summary",
    "title_main_storyline_plotSynopsis": "Plot synopsis",
    "title_main_hero_plot_proOnly": "Note: Because this project is categorized as in development, the data is only "
    "available on IMDbPro and is subject to change.",
}


def dump_script(value: Json) -> str:
    """Return JSON that is safe inside a script element, escaped as Next.js does."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def next_data(page: str, title_id: str, page_props: Json) -> Json:
    """Wrap page properties in the envelope of `__NEXT_DATA__`."""
    props = page_props | {"translationContext": {"i18n": {"locale": LANGUAGE, "translations": TRANSLATIONS}}}
    return {
        "props": {"pageProps": props | {"urqlState": None, "fetchState": None}, "__N_SSP": True},
        "page": page,
        "query": {"tconst": title_id},
        "buildId": "genreflow-site",
        "isFallback": False,
        "locale": LANGUAGE,
    }


def main_page_props(title: SiteTitle, facts: Facts) -> Json:
    """Build pageProps of /title/ttN/: outline, genres, credits and figures, no summaries and no synopsis."""
    crew = [
        _crew("Director", DIRECTOR_GROUP, facts.directors),
        _crew("Writer", WRITER_GROUP, facts.writers),
    ]
    above = _entity(title, facts) | {
        "genres": {"genres": [{"text": genre, "id": genre} for genre in title.genres]},
        # Interests look like genres and are none.
        "interests": {"edges": [{"node": {"primaryText": {"text": text}}} for text in interests(title)]},
        "keywords": {
            "total": len(facts.keywords),
            "edges": [{"node": {"text": keyword}} for keyword in facts.keywords],
        },
        "series": None,
        "isAdult": "Adult" in title.genres,
    }
    main = {
        "id": title.title_id,
        "titleType": above["titleType"],
        "titleText": above["titleText"],
        "originalTitleText": above["originalTitleText"],
        "castV2": [_cast(facts.actors)] if facts.actors else [],
        "crewV2": [group for group in crew if group["credits"]],
        "productionBudget": _money("budget", facts.budget, facts.budget_currency),
        "worldwideGross": _money("total", facts.world_gross, facts.world_gross_currency),
        "runtime": above["runtime"],
        **_places(facts),
    }
    return {"tconst": title.title_id, "aboveTheFoldData": above, "mainColumnData": main}


def reference_page_props(title: SiteTitle, facts: Facts, summary: tuple[str, str] | None, synopsis: str | None) -> Json:
    """Build pageProps of /title/ttN/reference/: all facts, one summary (HTML, author) and the whole synopsis (HTML).

    Groupings carry ids only, as since July 2025; the credits stand in categories of rows.
    """
    entity = _entity(title, facts)
    crew = [("Director", DIRECTOR_GROUP, facts.directors), ("Writer", WRITER_GROUP, facts.writers)]
    main = entity | {
        "genres": {"genres": [{"text": genre, "id": genre} for genre in title.genres]},
        "outlines": _plots(title.summary and html.escape(title.summary), None),
        "summaries": _plots(*summary) if summary else _plots(None, None),
        "synopses": _plots(synopsis, None),
        "storylineKeywords": {"edges": [{"node": {"text": keyword}} for keyword in facts.keywords]},
        "certificates": {
            "edges": [_certificate("DE", "16"), *([_certificate("US", facts.mpaa)] if facts.mpaa else [])]
        },
        "productionBudget": _money("budget", facts.budget, facts.budget_currency),
        "worldwideGross": _money("total", facts.world_gross, facts.world_gross_currency),
        "categories": [
            *(_credits_category(group, role, names) for role, group, names in crew if names),
            *([_credits_category(CAST_GROUP, "Cast", facts.actors)] if facts.actors else []),
        ],
        **_places(facts),
    }
    above = entity | {
        "castV2": [_cast(facts.actors[:4])] if facts.actors else [],
        "crewV2": [{"grouping": {"groupingId": DIRECTOR_GROUP}, "credits": list(map(_credit, facts.directors))}],
    }
    return {"tconst": title.title_id, "aboveTheFoldData": above, "mainColumnData": main}


def plots_page_props(title: SiteTitle, facts: Facts, summaries: Sequence[str], synopses: Sequence[str]) -> Json:
    """Build pageProps of /title/ttN/plotsummary/; summaries and synopses are ready HTML, the outline first."""
    number = title.title_id[2:]
    categories = [
        _category(
            "summaries", "Summaries", [("po" if not i else "ps", html) for i, html in enumerate(summaries)], number
        ),
        _category("synopsis", "Synopsis", [("py", html) for html in synopses], number),
    ]
    content = {
        "entityMetadata": _entity(title, facts),
        "posterData": {"constId": title.title_id, "image": None},
        "contributionData": {"id": title.title_id, "contributionSection": "plot"},
        "categories": categories,
    }
    return {"tconst": title.title_id, "contentData": content}


def interests(title: SiteTitle) -> list[str]:
    """Name the title's interests: sub-genres, and the first genre itself."""
    return [f"Slow-Burn {genre}" for genre in title.genres[:2]] + list(title.genres[:1])


def _entity(title: SiteTitle, facts: Facts) -> Json:
    named = None if title.title is None else {"text": title.title}
    return {
        "id": title.title_id,
        "titleText": named,
        "originalTitleText": named,
        "titleType": {
            "id": "movie",
            "text": "Movie",
            "isSeries": False,
            "isEpisode": False,
            "canHaveEpisodes": False,
            "categories": [{"value": "movie"}],
        },
        "releaseYear": None if title.year is None else {"year": title.year, "endYear": None},
        "titleGenres": {"genres": [{"genre": {"text": genre}} for genre in title.genres]},
        "plot": _plot(title),
        "ratingsSummary": {"aggregateRating": facts.rating, "voteCount": facts.ratings_count},
        "certificate": None if facts.mpaa is None else {"rating": facts.mpaa},
        "runtime": None if facts.run_time is None else {"seconds": 60 * facts.run_time},
        "productionStatus": {
            "currentProductionStage": {"id": "released", "text": "Released"},
            "restriction": None,
        },
        "meta": {"canonicalId": title.title_id, "publicationStatus": "PUBLISHED"},
    }


def _plots(text: str | None, author: str | None) -> Json:
    return {"edges": [{"node": {"plotText": {"plaidHtml": text}, "author": author}}] if text else []}


def _certificate(country: str, rating: str) -> Json:
    return {"node": {"rating": rating, "country": {"id": country}, "ratingsBody": None}}


def _places(facts: Facts) -> Json:
    return {
        "countriesDetails": {"countries": [{"text": name} for name in facts.countries]},
        "spokenLanguages": {"spokenLanguages": [{"text": name} for name in facts.languages]},
    }


def _credits_category(group: str, name: str, names: Sequence[str]) -> Json:
    cast = group == CAST_GROUP
    items = [{"rowTitle": person, "isCast": cast, "characters": [], "attributes": ""} for person in names]
    plural = name if cast or len(names) == 1 else f"{name}s"
    return {"id": group, "name": plural, "section": {"items": items, "total": len(items), "endCursor": None}}


def _plot(title: SiteTitle) -> Json | None:
    if title.summary:
        return {
            "plotText": {"plainText": title.summary},
            "language": {"id": LANGUAGE},
            "machineTranslatedText": None,
        }
    # A missing outline comes in two shapes.
    return None if int(title.title_id[-1]) % 2 else {"plotText": None, "language": None}


def _crew(role: str, group: str, names: Sequence[str]) -> Json:
    return {
        "totalCredits": len(names),
        "grouping": {"groupingId": group, "text": role if len(names) == 1 else role + "s"},
        "credits": [_credit(name) for name in names],
    }


def _cast(names: Sequence[str]) -> Json:
    return {
        "totalCredits": len(names),
        "grouping": {"text": "Top Cast"},
        "credits": [_credit(name) for name in names],
    }


def _credit(name: str) -> Json:
    return {"name": {"nameText": {"text": name}}}


def _money(kind: str, amount: int | None, currency: str | None) -> Json | None:
    return None if amount is None else {kind: {"amount": amount, "currency": currency}}


def _category(key: str, name: str, items: Sequence[tuple[str, str]], number: str) -> Json:
    rows = [{"id": f"{prefix}{number}{i}", "htmlContent": html} for i, (prefix, html) in enumerate(items)]
    section = {"items": rows, "listItemType": 1, "total": len(rows), "endCursor": None}
    return {"id": key, "name": name, "section": section}
