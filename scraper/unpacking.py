"""Unpacking of answers within limits: what cannot be unpacked is left to the spider's judgement, never raised."""

from __future__ import annotations

import logging

from scrapy import Request, Spider
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from scraper.middlewares import TOO_LARGE, NoAnswerError
from scraper.text_answers import name_encoding

logger = logging.getLogger(__name__)


class Unpacking(HttpCompressionMiddleware):
    """Unpack answers up to DOWNLOAD_MAXSIZE; raises NoAnswerError for those that are larger."""

    def process_response(
        self, request: Request, response: Response, spider: Spider | None = None
    ) -> Request | Response:
        """Return the answer unpacked, or as it came where its packing is damaged."""
        unpacked: Request | Response | None
        try:
            unpacked = super().process_response(request, response)
        except IgnoreRequest:
            unpacked = None
        except Exception as error:  # noqa: BLE001 - each of the four packers has errors of its own
            logger.warning("%s: cannot be unpacked: %r", request.url, error)
            return response
        # Raised here, for an error that comes of another keeps alive what that one had unpacked.
        if unpacked is None:
            raise NoAnswerError(f"{request.url}: larger than collect.max_answer_mb once unpacked", TOO_LARGE)
        return name_encoding(unpacked) if isinstance(unpacked, Response) else unpacked
