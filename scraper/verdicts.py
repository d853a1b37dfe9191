"""What a spider says of an answer that is none."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """Say why an answer does not count; it is asked for again, unless the crawl ends with it (stops).

    A crawl that ends gives reason as its finish reason (see scraper.crawl) and message to the user.
    """

    reason: str
    message: str
    stops: bool = False
