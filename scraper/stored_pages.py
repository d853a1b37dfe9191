"""Pages kept on disk: one compressed HTML file each, headed by a comment that says whence and when it came."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import zlib
from datetime import UTC, datetime
from pathlib import Path

from conf.errors import GenreflowError
from tasks.store import write_bytes

SUFFIXES = (".html", ".htm", ".json", ".html.gz", ".htm.gz", ".json.gz")
_HEAD = re.compile(r"<!-- genreflow (\{.*?\}) -->\n")
_CONTEXT = re.compile(r'"requestContext"\s*:\s*')
# Fast: pages are written while a crawl waits for others.
_GZIP_LEVEL = 3


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
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig", "replace")
    except (OSError, EOFError, zlib.error) as error:
        raise StoredPageError(f"{path}: not readable as a stored page: {error}") from None
    head = _HEAD.match(text)
    if head is None:
        return StoredPage(text)
    told = json.loads(head[1])
    moment = told["retrieved_at"]
    return StoredPage(text[head.end() :], told["url"], datetime.fromisoformat(moment) if moment else None)


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
    except ValueError:
        # The value is damaged or cut off: everything up to the script's end goes with it.
        end = text.find("</script>", start)
        return len(text) if end < 0 else end
