import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from scrapy.http import Response

from scraper.middlewares import read_retry_after
from scraper.quota import DailyQuota


def answer(retry_after: str | None) -> Response:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return Response("http://127.0.0.1/", status=429, headers=headers)


@pytest.mark.parametrize(("told", "seconds"), [("7", 7.0), (" 0 ", 0.0), (None, 0.0), ("soon", 0.0), ("-3", 0.0)])
def test_retry_after_in_seconds(told: str | None, seconds: float) -> None:
    assert read_retry_after(answer(told)) == seconds


def test_retry_after_as_a_date() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85 < read_retry_after(answer(moment)) <= 90


def test_retry_after_in_the_past_is_no_pause() -> None:
    assert read_retry_after(answer("Wed, 21 Oct 2015 07:28:00 GMT")) == 0.0


def test_quota_goes_on_counting_the_same_day(tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    DailyQuota(path).count()
    second = DailyQuota(path)
    second.count()
    assert (second.used, json.loads(path.read_text())["requests"]) == (2, 2)


def test_quota_begins_anew_the_next_day(tmp_path: Path) -> None:
    path = tmp_path / "requests.json"
    path.write_text('{"day": "2020-01-01", "requests": 5000}')
    assert DailyQuota(path).used == 0


def test_damaged_quota_is_named(tmp_path: Path) -> None:
    (tmp_path / "requests.json").write_text("{")
    with pytest.raises(ValueError, match="requests.json: expected the day and its requests"):
        DailyQuota(tmp_path / "requests.json")


@pytest.mark.parametrize("module", ["scraper.launch", "scraper.pages.imdb", "scraper.ids", "scraper.importers.files"])
def test_rooms_beside_the_spider_load_neither_scrapy_nor_prefect(module: str) -> None:
    program = f"import sys, {module}; print([n for n in ('scrapy', 'prefect', 'tensorflow') if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
