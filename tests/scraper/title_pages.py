"""Hand-written title pages, and a tiny server of them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

Answer = tuple[int, dict[str, str], bytes]


def wrap(props: dict[str, Any], head: str = "", body: str = "") -> str:
    """Put page properties into a whole Next.js page."""
    data = json.dumps({"props": {"pageProps": props}})
    script = f'<script id="__NEXT_DATA__" type="application/json">{data}</script>'
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}{script}</body></html>"


def plot_page(title_id: str, synopsis: str = "All of it happens.", genres: tuple[str, ...] = ("Drama",)) -> str:
    entity = {
        "id": title_id,
        "titleText": {"text": f"Film {title_id}"},
        "releaseYear": {"year": 2001},
        "titleGenres": {"genres": [{"genre": {"text": genre}} for genre in genres]},
        "plot": {"plotText": {"plainText": "A clerk finds a map."}},
    }
    categories = [
        {"id": "summaries", "section": {"items": []}},
        {"id": "synopsis", "section": {"items": [{"htmlContent": synopsis}]}},
    ]
    return wrap({"contentData": {"entityMetadata": entity, "categories": categories}})


def main_page(title_id: str) -> str:
    top = {
        "id": title_id,
        "titleText": {"text": f"Film {title_id}"},
        "releaseYear": {"year": 2001},
        "genres": {"genres": [{"text": "Drama"}, {"text": "Mystery"}]},
        "certificate": {"rating": "PG"},
        "runtime": {"seconds": 5400},
    }
    return wrap({"aboveTheFoldData": top, "mainColumnData": {"id": title_id}})


class TitleServer:
    """Answer title pages on loopback; `faults` maps a path to the answers it gives before the page itself."""

    def __init__(self) -> None:
        self.faults: dict[str, list[Answer]] = {}
        self.asked: list[str] = []
        self.every: Callable[[str], Answer | None] = lambda path: None
        self.pause = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, headers, body = outer.answer(self.path)
                self.send_response(status)
                for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, path: str) -> Answer:
        if path != "/robots.txt":
            threading.Event().wait(self.pause)
        if answer := self.every(path):
            return answer
        if self.faults.get(path):
            return self.faults[path].pop(0)
        parts = path.strip("/").split("/")
        if path == "/robots.txt" or parts[0] != "title":
            return 404, {}, b"<html>no</html>"
        page = plot_page(parts[1]) if parts[2:] == ["plotsummary"] else main_page(parts[1])
        return 200, {}, page.encode()

    def counts(self) -> Counter[str]:
        return Counter(path for path in self.asked if path != "/robots.txt")

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def ids_of(count: int) -> list[str]:
    return [f"tt{number:07d}" for number in range(1, count + 1)]
