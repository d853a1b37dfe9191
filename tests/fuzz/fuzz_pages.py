"""Feed the page parsers what a coverage-guided fuzzer makes of the local site's pages; stops at the first that breaks.

    make fuzz                      # ten minutes, with Atheris, which knows what runs on Linux and macOS only
    make fuzz FUZZ_SECONDS=60

What a page may end in, and in how long, is test_mutated_pages.py's rule. A page that breaks it is kept in the folder
of findings as it was, and its error is shown; add it to test_hostile_pages.py once it is mended. Seeds and what was
found to reach new code stay in the corpus folder, from which the next run goes on.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import atheris
from mutations import MARKS

with atheris.instrument_imports(include=["scraper.pages", "scraper.ids", "scraper.items"]):
    from shaped_pages import check_record, shapes

from conf.errors import GenreflowError

LIMIT = 1.0
# What tells layouts apart, and what their parsers look for.
NAMES = (
    '<script id="__NEXT_DATA__">', '<script type="application/ld+json">',
    '<link rel="canonical" href="/title/tt0000001/">',
    "titlereference-", "plot-summaries-content", "title_wrapper", 'id="overview-top"', 'id="tn15title"', "plotSummary",
    "contentData", "aboveTheFoldData", "mainColumnData", "urqlState", "htmlContent", "plaidHtml", "plot_author",
    '"edges":[{"node":{', "Written by", "<h4>Genre", "<h5>Genre", 'class="info-content"', "{{nowrap|", "== Plot ==",
    "[[File:", "&#xD800;",
)  # fmt: skip


def read_any(data: bytes) -> None:
    """Read bytes by the shape that their first one names; raises what breaks the rule."""
    readers = list(shapes().values())
    text = data[1:].decode("utf-8", "replace")
    started = time.thread_time()
    try:
        records = readers[data[0] % len(readers)].read(text) if data else []
    except GenreflowError:
        records = []
    took = time.thread_time() - started
    if took > LIMIT:
        raise TimeoutError(f"{took:.2f} s for {len(text):,} characters")
    for record in records:
        check_record(record)


def write_seeds(folder: Path) -> None:
    """Write two pages of every shape, each behind the byte that names it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, shape) in enumerate(shapes().items()):
        for place, page in enumerate(shape.pages[:2]):
            (folder / f"seed-{name}-{place}").write_bytes(bytes([number]) + page.encode())


def _spell(mark: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in mark.encode("utf-8", "replace"))


def main() -> None:
    """Fuzz for so many seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--folder", type=Path, default=Path("bench/fuzz"))
    asked = parser.parse_args()
    corpus, findings = asked.folder / "corpus", asked.folder / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    write_seeds(corpus)
    words = asked.folder / "words.dict"
    words.write_text("".join(f'"{_spell(mark)}"\n' for mark in (*MARKS, *NAMES)))
    # Longer than every seed; one that hangs or takes all memory is a finding, too.
    options = [f"-max_total_time={asked.seconds}", "-max_len=65536", "-timeout=30", "-rss_limit_mb=4096",
               f"-artifact_prefix={findings}/", f"-dict={words}", "-print_final_stats=1", str(corpus)]  # fmt: skip
    atheris.Setup([sys.argv[0], *options], read_any)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
