"""What each interface of the local movie site has of a title."""

from __future__ import annotations

from scraper.site.apis import mediawiki, wikidata, wikitext
from scraper.site.titles import Catalogue, SiteTitle


def expected_texts(spider: str, catalogue: Catalogue, title: SiteTitle) -> tuple[str | None, str | None] | None:
    """Return the summary and the synopsis that a source has of a title, None where it has no such title."""
    if spider == "tmdb":
        return title.summary, None
    if spider == "omdb":
        full = title.synopsis or title.summary
        return title.summary, full if full != title.summary else None
    article = mediawiki.article_name(catalogue, title)
    return (None, wikitext.plot_text(title)) if article and wikidata.is_known(title) else None
