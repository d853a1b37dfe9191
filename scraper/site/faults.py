"""Faults that the local movie site can be told to make, as real sites make them."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass, field

from scraper.site.titles import SiteError

# What the site does instead of answering a title page or a request for an interface: an error status, or what breaks
# on the way.
KINDS = {
    "503": "an error page, or the interface's own error",
    "429": "the same with Retry-After",
    "404": "the page of an unknown title (interfaces never make it)",
    "hang": "no answer for a long time",
    "truncate": "half of the page, then the end",
    "reset": "the connection reset",
    "maxlag": "MediaWiki's answer while its database lags, to requests that send maxlag (no other ever makes it)",
}
CHALLENGE = "challenge"
QUOTA = "quota"
_KNOWN = (*KINDS, QUOTA, CHALLENGE)


@dataclass(frozen=True, slots=True)
class Faults:
    """Say which share of the requests for title pages and for interfaces meets which fault.

    shares maps a kind to its share (0 to 1, at most 1 in all); challenge answers everything, robots.txt too,
    as AWS WAF does. hang_seconds is how long a hanging request is kept, retry_after the seconds that a 429 asks for.
    quota is how many requests OMDb answers in the site's life, None for any number.
    """

    shares: dict[str, float] = field(default_factory=dict)
    challenge: bool = False
    hang_seconds: float = 30.0
    retry_after: int = 1
    quota: int | None = None

    def draw(self, random_seed: int, path: str, attempt: int) -> str | None:
        """Return the fault that request number `attempt` for a path meets, None for none.

        It depends on these three alone, so the same crawl meets the same faults however its requests interleave.
        """
        if self.challenge:
            return CHALLENGE
        if not self.shares:
            return None
        digest = hashlib.blake2b(f"{random_seed}/{path}/{attempt}".encode(), digest_size=8).digest()
        point = int.from_bytes(digest) / 2**64
        for kind, share in self.shares.items():
            point -= share
            if point < 0:
                return kind
        return None


def parse_faults(spec: str) -> Faults:
    """Parse `503=0.03,hang=0.01,quota=100,challenge`; raises SiteError naming what is wrong and what is known."""
    shares: dict[str, float] = {}
    challenge, quota = False, None
    for part in filter(None, (part.strip() for part in spec.split(","))):
        kind, given, value = (text.strip() for text in part.partition("="))
        if kind in shares or (kind == QUOTA and quota is not None):
            raise SiteError(f"faults: {kind} stands twice in {spec!r}")
        if kind == CHALLENGE:
            if given:
                raise SiteError(f"faults: {CHALLENGE} answers everything and takes no share; got {part!r}")
            challenge = True
        elif kind == QUOTA:
            quota = _parse_quota(value)
        elif kind in KINDS:
            shares[kind] = _parse_share(kind, value)
        else:
            raise SiteError(f"faults: unknown fault {kind!r}{_hint(kind)}; known are {', '.join(_KNOWN)}")
    if sum(shares.values()) > 1:
        raise SiteError(f"faults: the shares in {spec!r} add up to {sum(shares.values()):g}; expected at most 1")
    return Faults(shares, challenge, quota=quota)


def _parse_quota(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise SiteError(f"faults: {QUOTA} needs a number of requests from 1, as {QUOTA}=1000; got {text!r}")
    return int(text)


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
