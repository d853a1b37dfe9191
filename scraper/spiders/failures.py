"""What an answer without a record means for its title: gone for good, or to be asked for again."""

from __future__ import annotations

from collections.abc import Collection

from scrapy.exceptions import IgnoreRequest
from scrapy.spidermiddlewares.httperror import HttpError

from scraper.middlewares import NoAnswerError
from scraper.writer import Drop


def explain_failure(title_id: str, error: BaseException, gone: Collection[int]) -> Drop:
    """Return the drop for a title whose page could not be had: permanent for the statuses in `gone` only."""
    if isinstance(error, HttpError):
        status, url = error.response.status, error.response.url
        if status in gone:
            return Drop(title_id, "not_found", f"{url}: status {status}")
        return Drop(title_id, f"failed:{status}", f"{url}: status {status}", permanent=False)
    if isinstance(error, NoAnswerError):
        return Drop(title_id, f"failed:{error.reason}", str(error), permanent=False)
    if isinstance(error, IgnoreRequest):
        reason = "failed:robots" if "robots.txt" in str(error) else "failed:not_sent"
        return Drop(title_id, reason, str(error), permanent=False)
    return Drop(title_id, f"failed:{type(error).__name__}", str(error), permanent=False)


def explain_merger(title_id: str, found_id: str | None, url: str) -> Drop | None:
    """Return the drop for a title that the site now keeps under another id and redirects to, None for any other."""
    if found_id in (None, title_id) or f"/{found_id}/" not in f"{url}/":
        return None
    return Drop(title_id, "merged", f"{url}: IMDb keeps it as {found_id} now")
