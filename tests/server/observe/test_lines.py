"""What the log tells of a request: a line when it has ended, its id in all that is logged of it, and no prompt."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.logs import configure_logging
from ccproxy_trio.settings import KeySettings, LogSettings, hash_key
from tests.isolation.canaries import canary, find_canaries
from tests.isolation.twisted import twisted_cli
from tests.server.asking import MESSAGES
from tests.server.http_client import fetch
from tests.server.proxy import Backend, eventually, open_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "ccproxy-" + "k" * 40


def request_lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [line for line in caplog.records if line.name == "ccproxy_trio.requests"]


async def the_line(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    """The line of the one request that there was, as its fields."""
    await eventually(lambda: bool(request_lines(caplog)))
    (line,) = request_lines(caplog)
    return vars(line) | {"event": line.getMessage()}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_one_line_a_request(demo: Backend, caplog: pytest.LogCaptureFixture, stream: bool) -> None:
    caplog.set_level(logging.INFO)
    keys = {"ada": KeySettings(hash=hash_key(KEY))}
    async with open_proxy(demo, server={"keys": keys}) as proxy:
        body = MESSAGES.body("hello", stream=stream)
        reply = await fetch(proxy.port, MESSAGES.path, body, headers={"x-api-key": KEY})
        line = await the_line(caplog)
    assert line["event"] == "POST /v1/messages ok"
    assert (line["key"], line["model"], line["status"]) == ("ada", "sonnet", 200)
    assert line.get("stream", False) == stream
    assert line["output_tokens"] > 0
    stages = [line[f"{name}_ms"] for name in ("queue", "prepare", "turn", "relay")]
    assert sum(stages) <= line["duration_ms"] + 0.3
    assert reply.headers["request-id"] in (line["request_id"], line.get("upstream_id"))
    assert KEY not in repr(caplog.records)


async def test_a_streams_line_comes_at_its_end(demo: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with open_proxy(demo) as proxy:
        async with proxy.open("[[deltas=1000; gap=0.05]]", stream=True) as exchange:
            await exchange.until("content_block_delta")
            assert request_lines(caplog) == []
        line = await the_line(caplog)
    assert (line["event"], line["status"]) == ("POST /v1/messages left", 200)
    assert line["first_token_ms"] > 0


async def test_pages_that_are_asked_for_all_the_time(demo: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with open_proxy(demo) as proxy:
        for path in ("/healthz", "/nothing"):
            await proxy.get(path)
    levels = [(line.getMessage(), line.levelname) for line in request_lines(caplog)]
    assert levels == [("GET /healthz ok", "DEBUG"), ("GET other refused", "INFO")]


class Collected(logging.Handler):
    """Lines as they would be written, each in the context in which it is made."""

    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """All that is logged at any level, as programs would read it."""
    root = logging.getLogger()
    level = root.level
    with monkeypatch.context() as patch:
        patch.setattr(root, "handlers", [])
        configure_logging(LogSettings(level="debug", format="json"))
        (ours,) = root.handlers
    collected = Collected(ours.formatter)
    root.addHandler(collected)
    yield collected.lines
    root.removeHandler(collected)
    root.setLevel(level)


async def ended(lines: list[dict[str, Any]], number: int) -> None:
    """Wait until so many requests have their line."""
    await eventually(lambda: sum(line["logger"] == "ccproxy_trio.requests" for line in lines) == number)


async def test_every_line_about_a_request_bears_its_id(
    demo: Backend, tmp_path: Path, lines: list[dict[str, Any]]
) -> None:
    """Two at once, whose instances cannot be rewound: what the pool logs in tasks of its own is told apart, too."""
    async with open_proxy(twisted_cli(tmp_path, demo), pool={"min_size": 2, "max_size": 2}) as proxy:
        await proxy.settle()
        lines.clear()
        async with (
            proxy.open("[[twist=refused]] [[deltas=1000; gap=0.05]]", stream=True) as one,
            proxy.open("[[twist=refused]] [[deltas=1000; gap=0.05]]", stream=True) as two,
        ):
            await one.until("content_block_delta")
            await two.until("content_block_delta")
            ids = {one.headers["request-id"], two.headers["request-id"]}
        await ended(lines, 2)
        await proxy.until(lambda now: now.created == 4 and now.idle == 2)
    for each in ids:
        told = [line["event"] for line in lines if line.get("request_id") == each]
        (number,) = {words[1] for event in told if (words := event.split())[0] == "instance"}
        of_instance = [event.removeprefix(f"instance {number} ") for event in told if "instance" in event]
        assert of_instance[0].startswith("is lent, for the 1. time")
        assert of_instance[1].startswith("is given back")
        assert of_instance[2].startswith("could not be rewound and is replaced")
        assert of_instance[3:] == ["is to end (reset_failed)", "is gone"]
        assert "POST /v1/messages left" in told
    others = [line["event"] for line in lines if line.get("request_id") not in ids]
    assert all("is ready" in event or "is to end" in event or "is gone" in event for event in others), others


async def test_what_a_client_writes_is_no_line_of_its_own(
    demo: Backend, caplog: pytest.LogCaptureFixture, lines: list[dict[str, Any]]
) -> None:
    """Neither prompt nor key nor header, path, query or model gets into any line, at any level."""
    caplog.set_level(logging.DEBUG)
    word = canary(7)
    async with open_proxy(demo) as proxy:
        for model in ("sonnet", f"claude {word}", f"x\x1b[2J{word}", word * 20):
            for stream in (False, True):
                await proxy.ask(f"{word} hello", model=model, stream=stream)
        headers = {"x-api-key": word, "traceparent": word, "user-agent": word, "x-stainless-timeout": word}
        for path in (f"/v1/models/{word}", f"/{word}%0a%1b[2J", f"/healthz?{word}", f"/v1/messages?{word}=1"):
            for method in ("GET", "POST", word.upper(), word):
                await fetch(proxy.port, path, b"{" + word.encode(), method=method, headers=headers)
        await ended(lines, 24)
    for line in (*lines, *map(vars, caplog.records)):
        assert find_canaries(repr(line).lower()) == set(), line


async def test_prompts_are_logged_where_the_operator_says_so(
    demo: Backend, lines: list[dict[str, Any]]
) -> None:
    async with open_proxy(demo, log={"prompts": True}) as proxy:
        for stream in (False, True):
            lines.clear()
            await proxy.ask(f"{canary(1)} hello", stream=stream)
            told = [line["event"] for line in lines if line["logger"] == "ccproxy_trio.prompts"]
            assert told[0].startswith('asked: {"model":"sonnet"')
            assert canary(1) in told[0]
            answered = "".join(event.removeprefix("answered: ") for event in told[1:])
            assert ("event: message_stop" if stream else f"Demo echo: {canary(1)} hello") in answered
