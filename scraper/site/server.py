"""The local movie site: titles served over HTTP on this machine only, with faults when asked for."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pyarrow as pa
from aiohttp import web

from scraper.site.answers import Site
from scraper.site.faults import Faults, parse_faults
from scraper.site.titles import Catalogue, SiteError, check_titles, read_titles

__all__ = ["Faults", "SiteError", "parse_faults", "read_titles", "running_site", "serve"]

HOST = "127.0.0.1"
# Seconds that requests in flight get when the site stops.
STOP_SECONDS = 1.0

Ready = Callable[[int], None]


def serve(
    titles: pa.Table,
    *,
    port: int,
    latency_ms: float = 0.0,
    faults: Faults | None = None,
    random_seed: int = 0,
    on_ready: Ready | None = None,
    access_log: Path | str | None = None,
    generated: bool = False,
    host: str = HOST,
) -> None:
    """Serve titles on 127.0.0.1 until SIGINT or SIGTERM; call it on the main thread.

    generated says that the titles are made up, which the site tells in /ids.txt. port 0 takes any free one; on_ready
    gets the port once the site answers. access_log is a file that one JSON object a request is appended to. Raises
    SiteError for a port that is taken, a host beyond loopback, or a table that holds no titles.
    """
    _check_host(host)
    site = _make_site(titles, latency_ms, faults, random_seed, access_log, generated)

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        await _run_until(stop, site, port, on_ready)

    asyncio.run(run())


@contextlib.contextmanager
def running_site(
    titles: pa.Table,
    *,
    port: int = 0,
    latency_ms: float = 0.0,
    faults: Faults | None = None,
    random_seed: int = 0,
    access_log: Path | str | None = None,
    generated: bool = False,
) -> Iterator[str]:
    """Serve titles from a thread of this process and yield the base URL, without a slash at its end."""
    site = _make_site(titles, latency_ms, faults, random_seed, access_log, generated)
    ready: Future[tuple[int, Callable[[], object]]] = Future()

    async def run() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        stop_soon = functools.partial(loop.call_soon_threadsafe, stop.set)
        await _run_until(stop, site, port, lambda bound: ready.set_result((bound, stop_soon)))

    with ThreadPoolExecutor(1, thread_name_prefix="local-movie-site") as thread:
        ended = thread.submit(asyncio.run, run())
        started: list[Future[Any]] = [ready, ended]
        wait(started, return_when=FIRST_COMPLETED)
        if ended.done():
            ended.result()
        bound, stop_site = ready.result()
        try:
            yield f"http://{HOST}:{bound}"
        finally:
            stop_site()
            ended.result()


def _make_site(
    titles: pa.Table,
    latency_ms: float,
    faults: Faults | None,
    random_seed: int,
    access_log: Path | str | None,
    generated: bool,
) -> Site:
    return Site(
        Catalogue(check_titles(titles, "titles")),
        latency=latency_ms / 1000,
        faults=faults or Faults(),
        random_seed=random_seed,
        access_log=None if access_log is None else Path(access_log),
        generated=generated,
    )


async def _run_until(stop: asyncio.Event, site: Site, port: int, on_ready: Ready | None) -> None:
    runner = web.ServerRunner(web.Server(site.answer, access_log=None), shutdown_timeout=STOP_SECONDS)
    with site.logging():
        await runner.setup()
        try:
            await _start(runner, port)
            if on_ready is not None:
                on_ready(_bound_port(runner))
            await stop.wait()
        finally:
            await runner.cleanup()


async def _start(runner: web.ServerRunner, port: int) -> None:
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OverflowError:
        raise SiteError(f"port {port} is none; expected 0 to 65535 (0 takes any free one)") from None
    except OSError as error:
        reason = "is already in use" if error.errno == errno.EADDRINUSE else f"cannot be opened ({error.strerror})"
        raise SiteError(f"port {port} on {HOST} {reason}; choose another with --port (0 takes any free one)") from None


def _bound_port(runner: web.ServerRunner) -> int:
    address: Any = runner.addresses[0]
    return int(address[1])


def _check_host(host: str) -> None:
    if host != HOST:
        raise SiteError(f"the local movie site serves {HOST} only, never the network; got host {host!r}")
