"""Results and raw titles whose maker is killed at any one of its changes to the disk, and started again.

GENREFLOW_LONG=1 kills the second start as well, at some changes after every first one.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from crashes import GONE, TITLES, Stage, crawl_titles, dies, half_made, import_titles, keep_results

from scraper.raw import dropped_ids, read_raw
from tasks import store

LONG = bool(os.environ.get("GENREFLOW_LONG"))


def stored(home: Path) -> Counter[str]:
    return Counter(title for table in read_raw(home / "raw", ["title_id"]) for title in table["title_id"].to_pylist())


def dead_homes(stage: Stage, room: Path, furnish: Callable[[Path], None] = Path.mkdir) -> Iterator[Path]:
    """Yield a home for each change at which the stage was killed, and in a long run for some pairs of them."""
    for first in count(1):
        home = room / str(first)
        furnish(home)
        if not dies(stage, home, first):
            return
        yield home
        for second in random.Random(first).sample(range(1, 40), 8) if LONG else ():
            home = room / f"{first}-{second}"
            furnish(home)
            if dies(stage, home, first, second):
                yield home


def damage(home: Path) -> None:
    """Leave a result that is not what its manifest says, with a file that it does not name."""
    folder = home / "models" / "linear"
    with store.new_result(folder, step="train", version=1, fingerprint="linear") as draft:
        (draft.folder / "table.txt").write_text("whole")
    (folder / "table.txt").write_text("half")
    (folder / "stray.txt").write_text("stray")


def test_result_is_whole_or_not_there_at_every_death_and_whole_after_the_next_run(tmp_path: Path) -> None:
    homes = list(dead_homes(keep_results, tmp_path, damage))
    assert len(homes) > 50
    for home in homes:
        for name in ("linear", "seed"):
            found = store.find_result(home / "models" / name, name)
            assert found is None or (home / "models" / name / "model" / "weights.txt").read_text() == name
        keep_results(home)
        for name in ("linear", "seed"):
            assert store.find_result(home / "models" / name, name) is not None
        assert (home / "runs.json").read_text() == '[\n "ended"\n]'
        assert list(half_made(home)) == [], home


def test_titles_are_stored_once_each_whatever_change_a_crawl_dies_at(tmp_path: Path) -> None:
    homes = list(dead_homes(crawl_titles, tmp_path))
    assert len(homes) > 40
    for home in homes:
        at_death = stored(home)
        assert set(at_death.values()) <= {1}
        crawl_titles(home)
        assert stored(home) == Counter(set(TITLES) - set(GONE))
        assert at_death <= stored(home)
        (folder,) = (path for path in (home / "raw").iterdir() if path.is_dir())
        assert dropped_ids(folder) == set(GONE)
        assert list(half_made(home)) == [], home


def test_file_is_imported_whole_or_not_at_all_whatever_change_an_import_dies_at(tmp_path: Path) -> None:
    rows = "".join(f"{title},The story of {title} and of a long voyage.,Drama\n" for title in TITLES)
    (tmp_path / "titles.csv").write_text(f"title_id,summary,genres\n{rows}")
    homes = list(dead_homes(import_titles, tmp_path))
    assert len(homes) > 20
    for home in homes:
        assert stored(home) in (Counter(), Counter(TITLES))
        import_titles(home)
        assert stored(home) == Counter(TITLES)
        assert list(half_made(home)) == [], home
