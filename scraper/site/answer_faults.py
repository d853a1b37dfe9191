"""Faults of the local movie site that answer with what is not the page, and all faults by name."""

from __future__ import annotations

import functools
import gzip
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import hdrs, web

from scraper.site import transport_faults as transport
from scraper.site.faults import Faults
from scraper.site.transport_faults import begin, body_of, pick
from scraper.site.wrong_json import break_json, nest_json, reshape_json

# The query parameter of addresses in a loop.
LOOP = "loop"
_CHUNK = 2**20
# A bomb is one packed megabyte of zeros again and again, as gzip allows: 2 GiB from 2 MiB.
_BOMB_CHUNKS, _LARGE_CHUNKS = 2048, 50
_END = b"</html>"
_HTML, _JSON = "text/html", "application/json"
_CHALLENGE = "<!DOCTYPE html><html><head><script>window.gokuProps = {};</script></head><body></body></html>"
# Private addresses, a foreign host, another port, other schemes, and what is no address at all.
_ELSEWHERE = (
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/title/tt0000001/",
    "http://[::1]:1/",
    "//elsewhere.example/title/tt0000001/",
    "http://127.0.0.1:1/title/tt0000001/plotsummary/",
    "http://127.0.0.1:99999/",
    "ftp://127.0.0.1/title",
    "file:///etc/hostname",
    "javascript:alert(1)",
    "http://[::1/",
)

Spoil = Callable[[web.BaseRequest, web.Response, Faults], Awaitable[web.StreamResponse]]


async def empty(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send no body."""
    return _change(whole, b"")


async def charset(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send Latin-1 or UTF-16 as UTF-8, UTF-8 as Latin-1, or UTF-8 with a byte that is none."""
    body, kind = body_of(whole), whole.content_type
    text = body.decode()
    sent, told = (
        (text.encode("latin-1", "xmlcharrefreplace"), "utf-8"),
        (text.encode("utf-16-le"), "utf-8"),
        (body, "iso-8859-1" if kind == _HTML else "utf-16"),
        (body[: len(body) // 2] + b"\xff" + body[len(body) // 2 :], "utf-8"),
    )[pick(request, 4)]
    return _change(whole, sent, {hdrs.CONTENT_TYPE: f"{kind}; charset={told}"})


async def unpackable(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Call a body gzip that is plain, or damaged from its first block on."""
    packed = bytearray(gzip.compress(body_of(whole)))
    packed[10:40] = b"\xff" * 30
    return _change(whole, (body_of(whole), bytes(packed))[pick(request, 2)], {hdrs.CONTENT_ENCODING: "gzip"})


async def bomb(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send little that unpacks to much."""
    return _change(whole, _pack_bomb(), {hdrs.CONTENT_ENCODING: "gzip"})


async def large(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send the page with 50 MB of blanks in it, its length announced or not."""
    body, blanks = body_of(whole), b" " * _CHUNK
    end = _END if body.endswith(_END) else b""
    announced = len(body) + _LARGE_CHUNKS * _CHUNK if pick(request, 2) else None
    answer = await begin(request, whole, announced)
    await answer.write(body.removesuffix(end))
    for _ in range(_LARGE_CHUNKS):
        await answer.write(blanks)
    await answer.write(end)
    return answer


async def mime(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Call the body an image, or a text of another kind."""
    other = _JSON if whole.content_type == _HTML else "text/css"
    return _change(whole, body_of(whole), {hdrs.CONTENT_TYPE: ("image/jpeg", other)[pick(request, 2)]})


async def loop(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Lead to an address that leads to itself."""
    mark = "" if LOOP in request.query else f"{'&' if request.query_string else '?'}{LOOP}=1"
    return web.Response(status=302, headers={hdrs.LOCATION: request.path_qs + mark})


async def offsite(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Lead to where a crawl of this site has no business."""
    return web.Response(status=302, headers={hdrs.LOCATION: _ELSEWHERE[pick(request, len(_ELSEWHERE))]})


async def captcha(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Ask for a proof that no bot is asking."""
    return web.Response(text=_CHALLENGE, content_type=_HTML)


async def broken(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Damage the JSON."""
    return _change(whole, break_json(body_of(whole)))


async def nested(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send JSON that is nested deeper than any parser follows."""
    return _change(whole, nest_json(is_page=whole.content_type == _HTML))


async def shape(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send JSON of another shape where there is JSON."""
    if "json" not in whole.content_type:
        return whole
    return _change(whole, reshape_json(body_of(whole), pick(request, 256)))


# The log tells no status for the first three: they send none.
SILENT = frozenset(("hang", "reset", "close"))
SPOILS: Mapping[str, Spoil] = {
    "hang": transport.hang, "reset": transport.reset, "close": transport.close, "truncate": transport.truncate,
    "trickle": transport.trickle, "length": transport.length, "headers": transport.headers, "empty": empty,
    "charset": charset, "gzip": unpackable, "bomb": bomb, "large": large,
    "mime": mime, "loop": loop, "offsite": offsite, "captcha": captcha, "broken": broken, "nested": nested,
    "shape": shape,
}  # fmt: skip


@functools.cache
def _pack_bomb() -> bytes:
    return gzip.compress(bytes(_CHUNK)) * _BOMB_CHUNKS


def _change(whole: web.Response, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    kept = {name: value for name, value in whole.headers.items() if name != hdrs.CONTENT_LENGTH}
    return web.Response(status=whole.status, body=body, headers={**kept, **(headers or {})})
