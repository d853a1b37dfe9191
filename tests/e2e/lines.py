"""Real servers, lines to them that a test cuts, slows down and lets trickle, and faults that begin at a moment."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

PIECES = 20


def free_port() -> int:
    """Return a port that nobody has, out of those that no client is given: one may have it while its server is away."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class Line:
    """A way to a port of this machine that can be cut, also by a request of its own, and mended, and that can be slow.

    slow is between how many seconds every answer takes longer; with trickle it comes in pieces over that time.
    """

    def __init__(self, port: int) -> None:
        self.server = ("127.0.0.1", port)
        self.port = free_port()
        self.cut_at: bytes | None = None
        self.on_cut: Callable[[], None] = lambda: None
        self.slow: tuple[float, float] | None = None
        self.trickle = False
        self.answers = 0
        self.open: list[socket.socket] = []
        self.mend()

    def mend(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self.listening,), daemon=True).start()

    def cut(self) -> None:
        for each in (self.listening, *self.open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.open = []

    def _accept(self, listening: socket.socket) -> None:
        # Ends when the line is cut.
        with contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(self.server)
                self.open += [near, far]
                asked = threading.Event()
                threading.Thread(target=self._ask, args=(near, far, asked), daemon=True).start()
                threading.Thread(target=self._answer, args=(far, near, asked), daemon=True).start()

    def _ask(self, source: socket.socket, target: socket.socket, asked: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                if self.cut_at is not None and self.cut_at in chunk:
                    self.cut_at = None
                    self.on_cut()
                    self.cut()
                    return
                asked.set()
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)

    def _answer(self, source: socket.socket, target: socket.socket, asked: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := source.recv(65536):
                first = asked.is_set()
                asked.clear()
                self.answers += first
                seconds = random.uniform(*self.slow) if self.slow and first else 0.0
                size = -(-len(chunk) // PIECES) if self.trickle and seconds else len(chunk)
                pieces = [chunk[start : start + size] for start in range(0, len(chunk), size)]
                for piece in pieces:
                    time.sleep(seconds / len(pieces))
                    target.sendall(piece)
            target.shutdown(socket.SHUT_WR)


class Server(NamedTuple):
    """Name a server's port, its process, which leads a group of its own, its database, and the line to it."""

    port: int
    pid: int
    database: Path
    line: Line


Fault = Callable[[Server], contextlib.AbstractContextManager[None]]


@contextlib.contextmanager
def mlflow_server(folder: Path) -> Iterator[Server]:
    """Run an MLflow server over folder/mlflow.db and folder/artifacts."""
    command = ["mlflow", "server", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--workers", "1"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    # Those are seven processes more, for what nobody asks of it here.
    without_jobs = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with running(command, "/health", folder / "mlflow.db", without_jobs) as server:
        yield server


@contextlib.contextmanager
def prefect_server(folder: Path) -> Iterator[Server]:
    """Run a Prefect server over folder/prefect.db."""
    with running(
        ["prefect", "server", "start"], "/api/health", folder / "prefect.db", {"PREFECT_HOME": str(folder)}
    ) as server:
        yield server


@contextlib.contextmanager
def running(command: list[str], health: str, database: Path, environment: dict[str, str]) -> Iterator[Server]:
    """Run a server that is a Python module on a free port, from its first answer on, and what it starts."""
    folder, log = database.parent, database.with_suffix(".log")
    port = free_port()
    command = [sys.executable, "-P", "-m", *command, "--host", "127.0.0.1", "--port", str(port)]
    with log.open("ab") as stream:
        server = subprocess.Popen(
            command, env=os.environ | environment, cwd=folder, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 180
        while not answers(f"http://127.0.0.1:{port}{health}"):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.5)
        yield Server(port, server.pid, database, Line(port))
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def answers(health: str) -> bool:
    try:
        with urlopen(health, timeout=5):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def cut(server: Server) -> Iterator[None]:
    server.line.cut()
    try:
        yield
    finally:
        server.line.mend()


@contextlib.contextmanager
def frozen(server: Server) -> Iterator[None]:
    os.killpg(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.killpg(server.pid, signal.SIGCONT)


@contextlib.contextmanager
def locked(server: Server) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(server.database, timeout=60)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield


@contextlib.contextmanager
def slow(server: Server, seconds: tuple[float, float], *, trickle: bool = False) -> Iterator[None]:
    server.line.slow, server.line.trickle = seconds, trickle
    try:
        yield
    finally:
        server.line.slow, server.line.trickle = None, False


def strike(server: Server, fault: Fault, after: int, seconds: float) -> threading.Thread:
    """Let a fault begin once the server has given so many answers more, and end after some seconds."""
    begin = server.line.answers + after

    def watch() -> None:
        deadline = time.monotonic() + 300
        while server.line.answers < begin and time.monotonic() < deadline:
            time.sleep(0.01)
        with fault(server):
            time.sleep(seconds)

    thread = threading.Thread(target=watch)
    thread.start()
    return thread
