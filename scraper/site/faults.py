"""Faults that the local movie site can be told to make, as real sites make them."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field

from scraper.site.titles import SiteError

# What the site does instead of answering a title page or a request for an interface: an error status, an answer that
# is not what it says it is, or what breaks on the way.
KINDS = {
    "503": "an error page, or the interface's own error",
    "429": "the same with Retry-After",
    "404": "the page of an unknown title (interfaces never make it)",
    "hang": "no answer for a long time",
    "truncate": "half of the page, then the end",
    "reset": "the connection reset",
    "maxlag": "MediaWiki's answer while its database lags, to requests that send maxlag (no other ever makes it)",
    "close": "the connection closed before the answer",
    "trickle": "a byte a second",
    "empty": "status 200 without a body",
    "length": "a Content-Length that is too small or no number",
    "headers": "headers without end",
    "charset": "bytes that are not in the declared encoding",
    "gzip": "a body called gzip that cannot be unpacked",
    "bomb": "two megabytes of gzip that unpack to two gigabytes",
    "large": "the page, 50 MB long",
    "mime": "the page under the type of an image or of another text",
    "loop": "a redirect to the same address",
    "offsite": "a redirect to another host, to a private address or to no web address",
    "captcha": "status 200 with a bot challenge instead of the page",
    "broken": "the page with JSON that is damaged",
    "nested": "JSON that is nested a hundred thousand deep",
    "shape": "JSON of another shape (pages never make it)",
}
CHALLENGE = "challenge"
QUOTA = "quota"
ROBOTS, DISALLOW = "robots", "disallow"
_KNOWN = (*KINDS, QUOTA, ROBOTS, CHALLENGE)


@dataclass(frozen=True, slots=True)
class Faults:
    """Say which share of the requests for title pages and for interfaces meets which fault.

    shares maps a kind to its share (0 to 1, at most 1 in all); challenge answers everything, robots.txt too,
    as AWS WAF does. hang_seconds is how long a hanging request is kept, retry_after the seconds that a 429 asks for.
    quota is how many requests OMDb answers in the site's life, None for any number. robots is the fault that every
    request for robots.txt meets; `disallow` forbids all titles from the second answer on.
    """

    shares: dict[str, float] = field(default_factory=dict)
    challenge: bool = False
    hang_seconds: float = 30.0
    retry_after: int = 1
    quota: int | None = None
    robots: str | None = None

    def draw(self, random_seed: int, path: str, attempt: int) -> str | None:
        """Return the fault that request number `attempt` for a path meets, None for none.

        It depends on these three alone, so the same crawl meets the same faults however its requests interleave.
        """
        digest = hashlib.blake2b(f"{random_seed}/{path}/{attempt}".encode(), digest_size=8).digest()
        point = int.from_bytes(digest) / 2**64
        for kind, share in self.shares.items():
            point -= share
            if point < 0:
                return kind
        return None


def parse_faults(spec: str) -> Faults:
    """Parse `503=0.03,quota=100,robots=hang,challenge`; raises SiteError naming what is wrong and what is known."""
    shares: dict[str, float] = {}
    challenge, quota, robots = False, None, None
    for part in filter(None, (part.strip() for part in spec.split(","))):
        kind, given, value = (text.strip() for text in part.partition("="))
        if kind in shares or (kind == QUOTA and quota is not None) or (kind == ROBOTS and robots is not None):
            raise SiteError(f"faults: {kind} stands twice in {spec!r}")
        if kind == CHALLENGE:
            if given:
                raise SiteError(f"faults: {CHALLENGE} answers everything and takes no share; got {part!r}")
            challenge = True
        elif kind == QUOTA:
            quota = _parse_quota(value)
        elif kind == ROBOTS:
            robots = _parse_robots(value)
        elif kind in KINDS:
            shares[kind] = _parse_share(kind, value)
        else:
            raise SiteError(f"faults: unknown fault {kind!r}{_hint(kind)}; known are {', '.join(_KNOWN)}")
    if sum(shares.values()) > 1:
        raise SiteError(f"faults: the shares in {spec!r} add up to {sum(shares.values()):g}; expected at most 1")
    return Faults(shares, challenge, quota=quota, robots=robots)


def _parse_quota(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise SiteError(f"faults: {QUOTA} needs a number of requests from 1, as {QUOTA}=1000; got {text!r}")
    return int(text)


def _parse_robots(text: str) -> str:
    known = (DISALLOW, *KINDS)
    if text not in known:
        raise SiteError(f"faults: {ROBOTS} needs a fault, as {ROBOTS}=503; known are {', '.join(known)}; got {text!r}")
    return text


def _parse_share(kind: str, text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise SiteError(f"faults: {kind} needs a share from 0 to 1, as {kind}=0.05; got {text!r}")
    return share


def _hint(kind: str) -> str:
    near = difflib.get_close_matches(kind, _KNOWN, n=1)
    return f" (did you mean {near[0]}?)" if near else ""
