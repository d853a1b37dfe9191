"""Pages kept on disk: one compressed HTML file each, headed by a comment that says whence and when it came."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from conf.errors import GenreflowError
from tasks.store import write_bytes

SUFFIXES = (".html", ".htm", ".json", ".html.gz", ".htm.gz", ".json.gz")
_HEAD = re.compile(r"<!-- genreflow (\{.*?\}) -->\n")
_CONTEXT = re.compile(r'"requestContext"\s*:\s*')
# Fast: pages are written while a crawl waits for others.
_GZIP_LEVEL = 3
# The largest pages that IMDb has ever served have some three million.
MOST_BYTES = 2**26


class StoredPageError(GenreflowError):
    """Say which file is not a readable page, and what was expected."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredPage:
    """Hold a page and, where its file tells, the address it came from and when (UTC)."""

    text: str
    url: str | None = None
    retrieved_at: datetime | None = None


def write_page(path: Path, page: StoredPage) -> None:
    """Write a page as .html.gz, atomically, the visitor's own data (requestContext) taken out."""
    head = {"url": page.url, "retrieved_at": page.retrieved_at.isoformat() if page.retrieved_at else None}
    # Two dashes would end an HTML comment.
    told = json.dumps(head).replace("-", "\\u002d")
    content = f"<!-- genreflow {told} -->\n{drop_request_context(page.text)}"
    write_bytes(path, gzip.compress(content.encode("utf-8", "replace"), _GZIP_LEVEL, mtime=0))


def read_page(path: Path) -> StoredPage:
    """Read a page that write_page or anyone else stored (see SUFFIXES); raises StoredPageError naming the file."""
    try:
        with path.open("rb") as packed:
            content = _read_within(gzip.GzipFile(fileobj=packed) if path.suffix == ".gz" else packed)
    except (OSError, EOFError, zlib.error) as error:
        raise StoredPageError(f"{path}: not readable as a stored page: {error}") from None
    if content is None:
        raise StoredPageError(f"{path}: more than {MOST_BYTES:,} bytes of text; expected a page")
    text = content.decode("utf-8-sig", "replace")
    head = _HEAD.match(text)
    if head is None:
        return StoredPage(text)
    return StoredPage(text[head.end() :], *_read_head(path, head[1]))


def _read_within(stream: BinaryIO | gzip.GzipFile) -> bytes | None:
    """Return what a stream holds, None for more than MOST_BYTES: a few packed bytes may stand for thousands."""
    content = stream.read(MOST_BYTES + 1)
    return content if len(content) <= MOST_BYTES else None


def _read_head(path: Path, told: str) -> tuple[str | None, datetime | None]:
    """Return address and moment of a page's first comment; anybody may have written it."""
    try:
        head = json.loads(told)
        url, moment = head["url"], head["retrieved_at"]
        retrieved_at = datetime.fromisoformat(moment).astimezone(UTC) if moment else None
        (url or "").encode()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise StoredPageError(f"{path}: its first comment does not say whence and when it came; remove it") from None
    return url, retrieved_at


def list_pages(path: Path) -> list[Path]:
    """List the page files in a folder and below, by name, or the one file named; raises StoredPageError for none."""
    if path.is_file():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.is_file() and file.name.lower().endswith(SUFFIXES))
    if not found:
        raise StoredPageError(f"{path}: no stored page there; expected a file or folder of {', '.join(SUFFIXES)}")
    return found


def age_in_days(page: StoredPage) -> float | None:
    """Return how many days ago a page came, None where its file does not tell."""
    return (datetime.now(UTC) - page.retrieved_at).total_seconds() / 86400 if page.retrieved_at else None


def drop_request_context(text: str) -> str:
    """Empty `requestContext` in a page's JSON: it holds the visitor's address, headers and session ids."""
    kept, start = [], 0
    for found in _CONTEXT.finditer(text):
        if found.start() < start:
            continue
        kept.append(text[start : found.end()] + "{}")
        start = _end_of_value(text, found.end())
    return "".join([*kept, text[start:]])


def _end_of_value(text: str, start: int) -> int:
    try:
        return json.JSONDecoder().raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        # The value is damaged, cut off or nested too deep: everything up to the script's end goes with it.
        end = text.find("</script>", start)
        return len(text) if end < 0 else end
