"""Notices of failures, promotions and refusals: a line in the log, and what reaches a webhook block."""

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret

from conf.schema import ConfigError, load
from flows.notices import tell, tell_promotion
from flows.pipeline import pipeline
from tasks.tracking import Promotion

LOGGER = logging.getLogger(__name__)


@pytest.fixture
def received() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Listen on this machine; yields the address and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/", posted
        server.shutdown()


@pytest.fixture
def block(prefect_server: None, received: tuple[str, list[dict[str, Any]]]) -> str:
    """Save a webhook block under a name of its own; returns it as the configuration names it."""
    name = f"hook-{uuid4().hex[:8]}"
    content = {"subject": "{{subject}}", "body": "{{body}}"}
    hook: Any = CustomWebhookNotificationBlock(name=name, url=received[0], json_data=content, allow_private_urls=True)
    hook.save(name)
    return f"custom-webhook/{name}"


def promotion(**values: Any) -> Promotion:
    given = {"corpus": "summary", "name": "genreflow-summary", "version": 3, "recipe": "blend", "promoted": True,
             "reason": "micro-F1 +0.02"}  # fmt: skip
    return Promotion(**given | values)


def test_failed_run_is_told_with_its_reason(block: str, received: Any, tmp_path: Path) -> None:
    overrides = ["collect.ids=null", f"notify.failure={block}"]
    ended: Any = pipeline("base", overrides, tmp_path, return_state=True)
    assert ended.name == "Failed"
    (told,) = received[1]
    assert told["subject"].startswith("pipeline base ")
    assert told["subject"].endswith(" failed")
    assert "NoTitlesError" in told["body"]


@pytest.mark.parametrize(("promoted", "became"), [(True, "was promoted to champion"), (False, "was refused")])
def test_decision_reaches_the_block_of_its_kind(block: str, received: Any, promoted: bool, became: str) -> None:
    kind = "promotion" if promoted else "refusal"
    tell_promotion(load("base", [f"notify.{kind}={block}"]).notify, promotion(promoted=promoted), LOGGER)
    assert received[1] == [{"subject": f"genreflow-summary version 3 (blend) {became}", "body": "micro-F1 +0.02"}]


def test_model_that_was_registered_before_is_no_news(block: str, received: Any) -> None:
    tell_promotion(load("base", [f"notify.promotion={block}"]).notify, promotion(decided=False), LOGGER)
    assert received[1] == []


def test_without_a_block_there_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tell_promotion(load().notify, promotion(), LOGGER)
    assert "genreflow-summary version 3 (blend) was promoted to champion: micro-F1 +0.02" in caplog.text


def test_block_that_is_none_or_cannot_notify_is_an_error_in_the_log(
    prefect_server: None, caplog: pytest.LogCaptureFixture
) -> None:
    secret: Any = Secret(value="x")
    secret.save("no-notice", overwrite=True)
    tell("slack-webhook/nowhere", "it failed", "why", LOGGER)
    tell("secret/no-notice", "it failed", "why", LOGGER)
    assert "notification block slack-webhook/nowhere did not tell of it" in caplog.text
    assert "it is a Secret; expected one that can notify" in caplog.text


def test_block_that_is_away_is_an_error_in_the_log(block: str, received: Any, caplog: pytest.LogCaptureFixture) -> None:
    hook: Any = CustomWebhookNotificationBlock(
        name="away", url="http://127.0.0.1:9/", json_data={}, allow_private_urls=True
    )
    hook.save("away", overwrite=True)
    tell("custom-webhook/away", "it failed", "why", LOGGER)
    assert "notification block custom-webhook/away did not tell of it" in caplog.text


def test_block_is_named_by_type_and_name() -> None:
    with pytest.raises(ConfigError, match=r"notify.failure"):
        load("base", ["notify.failure=ops"])
