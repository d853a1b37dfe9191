from __future__ import annotations

from typing import get_type_hints

import pytest

from flows.commands.services import site
from scraper.site.answer_faults import SPOILS
from scraper.site.faults import KINDS, Faults, parse_faults
from scraper.site.titles import SiteError


def test_a_spec_gives_shares_and_challenge() -> None:
    assert parse_faults("503=0.03, hang=0.01,challenge") == Faults({"503": 0.03, "hang": 0.01}, challenge=True)


def test_a_quota_is_no_share() -> None:
    assert parse_faults("503=0.6,quota=100,maxlag=0.4") == Faults({"503": 0.6, "maxlag": 0.4}, quota=100)


def test_robots_may_meet_a_fault_of_its_own() -> None:
    assert parse_faults("503=0.1,robots=hang") == Faults({"503": 0.1}, robots="hang")


def test_an_empty_spec_makes_no_faults() -> None:
    assert parse_faults("") == Faults()


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("trunkate=0.1", r"unknown fault 'trunkate' \(did you mean truncate\?\); known are 503, 429, 404, hang, "),
        ("503", "503 needs a share from 0 to 1, as 503=0.05; got ''"),
        ("503=1.5", "got '1.5'"),
        ("503=often", "got 'often'"),
        ("503=nan", "got 'nan'"),
        ("challenge=0.5", "takes no share; got 'challenge=0.5'"),
        ("503=0.1,503=0.2", "503 stands twice"),
        ("quota=0", r"quota needs a number of requests from 1, as quota=1000; got '0'"),
        ("quota=0.5", "got '0.5'"),
        ("quota", "got ''"),
        ("quota=1,quota=1", "quota stands twice"),
        ("qota=1", r"did you mean quota\?\); known are .*, maxlag, .*, quota, robots, challenge"),
        ("robots=sometimes", r"robots needs a fault, as robots=503; known are disallow, 503, .*; got 'sometimes'"),
        ("robots=503,robots=503", "robots stands twice"),
        ("503=0.7,429=0.6", r"add up to 1\.3; expected at most 1"),
    ],
)
def test_a_wrong_spec_says_what_is_wrong(spec: str, message: str) -> None:
    with pytest.raises(SiteError, match=message):
        parse_faults(spec)


def test_faults_come_at_their_shares() -> None:
    faults = Faults({"503": 0.1, "reset": 0.05})
    drawn = [faults.draw(7, f"/title/tt{number}/", 1) for number in range(4000)]
    assert drawn.count("503") / 4000 == pytest.approx(0.1, abs=0.02)
    assert drawn.count("reset") / 4000 == pytest.approx(0.05, abs=0.015)


def test_the_same_request_meets_the_same_fault() -> None:
    faults = Faults({"503": 0.5})
    one, again, other = ([faults.draw(seed, f"/title/tt{number}/", 1) for number in range(100)] for seed in (7, 7, 8))
    assert one == again
    assert one != other


def test_a_request_sent_again_may_be_answered() -> None:
    faults = Faults({"503": 0.5})
    assert {faults.draw(7, "/title/tt1000001/", attempt) for attempt in range(1, 20)} == {"503", None}


def test_every_fault_can_be_made_and_is_told_in_the_help() -> None:
    assert {*SPOILS, "503", "429", "404", "maxlag"} == {*KINDS}
    told = get_type_hints(site, include_extras=True)["faults"].__metadata__[0].help
    assert [kind for kind in KINDS if kind not in told] == []
