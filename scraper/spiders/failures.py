"""What an answer without a record means for its title: gone for good, or to be asked for again."""

from __future__ import annotations

from collections.abc import Collection

from scrapy.exceptions import DownloadCancelledError, IgnoreRequest
from scrapy.spidermiddlewares.httperror import HttpError

from scraper.middlewares import TOO_LARGE, NoAnswerError
from scraper.writer import Drop

# What Scrapy says of requests that it sends no more, and the reasons that titles fail for then.
_SAID = {"robots.txt": "robots", "max redirections": "redirects"}


def explain_failure(title_id: str, error: BaseException, gone: Collection[int], url: str) -> Drop:
    """Return the drop for a title whose page could not be had: permanent for the statuses in `gone` only.

    url is that of the last request.
    """
    if isinstance(error, HttpError):
        status = error.response.status
        if status in gone:
            return Drop(title_id, "not_found", f"{url}: status {status}")
        return Drop(title_id, f"failed:{status}", f"{url}: status {status}", permanent=False)
    if isinstance(error, NoAnswerError):
        return Drop(title_id, f"failed:{error.reason}", str(error), permanent=False)
    if isinstance(error, DownloadCancelledError):
        # Scrapy cancels for no other reason, and does not always say it.
        return Drop(title_id, f"failed:{TOO_LARGE}", f"{url}: larger than collect.max_answer_mb", permanent=False)
    if isinstance(error, IgnoreRequest):
        reason = next((reason for said, reason in _SAID.items() if said in str(error)), "not_sent")
        return Drop(title_id, f"failed:{reason}", f"{url}: {error}", permanent=False)
    return Drop(title_id, f"failed:{type(error).__name__}", f"{url}: {error}", permanent=False)


def explain_merger(title_id: str, found_id: str | None, url: str) -> Drop | None:
    """Return the drop for a title that the site now keeps under another id and redirects to, None for any other."""
    if found_id in (None, title_id) or f"/{found_id}/" not in f"{url}/":
        return None
    return Drop(title_id, "merged", f"{url}: IMDb keeps it as {found_id} now")
