"""Faults of the local movie site that break an answer on the wire: its connection, its head, its length, its pace."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import struct

from aiohttp import hdrs, web

from scraper.site.faults import Faults

# SO_LINGER on with a time of 0: closing resets the connection instead of ending it in order.
_RESET = struct.pack("ii", 1, 0)
_TRICKLE_SECONDS = 1.0
_FLOOD_BYTES, _FLOOD_LINES = 2**26, 2**14
# Bytes that wait for a client before a flood pauses, and the seconds that it pauses for.
_WAITING, _PAUSE_SECONDS = 2**20, 0.01


def pick(request: web.BaseRequest, count: int) -> int:
    """Return a number below count that depends on the address asked for alone."""
    return hashlib.blake2b(request.path_qs.encode()).digest()[0] % count


async def hang(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Say nothing for long, then drop the connection."""
    await asyncio.sleep(faults.hang_seconds)
    return _abort(request)


async def reset(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Reset the connection."""
    plug: socket.socket | None = request.transport.get_extra_info("socket") if request.transport else None
    if plug is not None:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return _abort(request)


async def close(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """End the connection in order, without an answer."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def truncate(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Announce the whole page's length, send half of it and close."""
    body = body_of(whole)
    cut = await begin(request, whole, len(body))
    await cut.write(body[: len(body) // 2])
    return cut


async def trickle(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send a byte a second for as long as a hanging request is kept, then drop the connection."""
    slow = await begin(request, whole, len(body_of(whole)))
    for place in range(int(faults.hang_seconds / _TRICKLE_SECONDS)):
        await slow.write(body_of(whole)[place : place + 1])
        await asyncio.sleep(_TRICKLE_SECONDS)
    return _abort(request)


async def length(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Announce half of the length, or no number."""
    body = body_of(whole)
    told = (str(len(body) // 2), "many", "-1")[pick(request, 3)]
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {whole.content_type}; charset=utf-8\r\nContent-Length: {told}\r\n\r\n"
    if request.transport is not None:
        request.transport.write(head.encode() + body)
    return await close(request, whole, faults)


async def headers(request: web.BaseRequest, whole: web.Response, faults: Faults) -> web.StreamResponse:
    """Send header after header."""
    wire = request.transport
    lines = b"".join(b"X-Header-%d: %s\r\n" % (number, b"x" * 50) for number in range(_FLOOD_LINES))
    if wire is not None:
        wire.write(b"HTTP/1.1 200 OK\r\n")
        for _ in range(_FLOOD_BYTES // len(lines)):
            wire.write(lines)
            while wire.get_write_buffer_size() > _WAITING and not wire.is_closing():
                await asyncio.sleep(_PAUSE_SECONDS)
            if wire.is_closing():
                break
    return _abort(request)


def body_of(whole: web.Response) -> bytes:
    """Return the bytes of an answer."""
    return whole.body if isinstance(whole.body, bytes) else b""


async def begin(request: web.BaseRequest, whole: web.Response, announced: int | None) -> web.StreamResponse:
    """Send an answer's head with a length, None for one that is not told, and return it for its body."""
    answer = web.StreamResponse(status=whole.status, headers=whole.headers)
    if announced is None:
        answer.headers.pop(hdrs.CONTENT_LENGTH, None)
        answer.enable_chunked_encoding()
    else:
        answer.content_length = announced
    answer.force_close()
    await answer.prepare(request)
    return answer


def _abort(request: web.BaseRequest) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
