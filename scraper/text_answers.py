"""Whether an answer is the text that its server wrote: unpacked, and decoded from the encoding it was written in."""

from __future__ import annotations

import codecs
import json

from scrapy.http import Response, TextResponse
from w3lib.encoding import html_body_declared_encoding, http_content_type_encoding, read_bom

from scraper.verdicts import Verdict

_UTF_8 = "utf-8"


def content_type(response: Response) -> str:
    """Return an answer's Content-Type as sent, lower case, empty where there is none."""
    return (response.headers.get("Content-Type") or b"").decode("latin-1").lower()


def name_encoding(response: Response) -> Response:
    """Return an answer that declares no encoding as one in UTF-8: Scrapy would guess, slowly and wrongly."""
    if not isinstance(response, TextResponse):
        return response
    body = response.body
    declared = (
        read_bom(body)[0] or http_content_type_encoding(content_type(response)) or html_body_declared_encoding(body)
    )
    return response if declared else response.replace(encoding=_UTF_8)


def judge_packing(response: Response) -> Verdict | None:
    """Say that an answer could not be unpacked, None where it was, or came unpacked."""
    packed = response.headers.get("Content-Encoding")
    return Verdict("encoding", f"Content-Encoding {packed.decode('latin-1')} that cannot be undone") if packed else None


def judge_text(response: Response) -> Verdict | None:
    """Say why an answer cannot be the text that its server wrote, None where it can."""
    verdict = judge_packing(response)
    if verdict is not None:
        return verdict
    if not isinstance(response, TextResponse):
        return Verdict("no_text", f"content type {content_type(response) or 'unknown'}, expected text")
    wrong = _explain_misreading(response)
    return Verdict("encoding", wrong) if wrong else None


def _explain_misreading(response: TextResponse) -> str | None:
    body = response.body
    # RFC 8259: JSON is Unicode, whatever its header says.
    encoding = json.detect_encoding(body) if "json" in content_type(response) else response.encoding
    if body.isascii() and b"\0" not in body:
        return None
    if not _is_written_in(encoding, body):
        return f"bytes that are not {encoding}"
    name = codecs.lookup(encoding).name
    if b"\0" in body and not name.startswith(("utf-16", "utf-32")):
        return f"NUL characters in what is declared as {encoding}"
    # Nothing but UTF-8 looks like UTF-8.
    return f"UTF-8 declared as {encoding}" if name != _UTF_8 and _is_written_in(_UTF_8, body) else None


def _is_written_in(encoding: str, body: bytes) -> bool:
    try:
        body.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
