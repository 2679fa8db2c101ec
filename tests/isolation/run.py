"""Random requests through one server, a few at a time, with other pages in between: each reads its own alone.

What is read is looked through as it came, heads and broken-off streams and all. In the end everything is at rest, and
nothing is left of anybody: not in the processes, nor in a file, nor in a line of the log.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import trio

from ccproxy_trio.claude.demo.count import count_tokens
from ccproxy_trio.settings import KeySettings, hash_key
from tests.isolation.canaries import canary, find_canaries, find_in_files, find_in_processes, number_of
from tests.isolation.drawing import draw_count
from tests.isolation.speech import PATHS, due, speak
from tests.server.asked_responses import said as said_in_response
from tests.server.carried import check_body, turns, upstream_body
from tests.server.chats import said as said_in_chat
from tests.server.http_client import Reply, fetch, open_exchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from random import Random

    import pytest

    from tests.isolation.drawing import Dialect, Drawn
    from tests.server.proxy import Proxy

Json = dict[str, Any]

KEYS = tuple(f"ccproxy-{canary(number)}-{'x' * 30}" for number in (999_998, 999_999))
"""Those of two callers; canaries, too, which belong nowhere."""
KEYRING = {f"caller-{n}": KeySettings(hash=hash_key(key)) for n, key in enumerate(KEYS)}
_AT_ONCE = 6
_PAGES = ("/pool/stats", "/v1/models", "/readyz", "/v1/models?limit=3", "/openai/v1/models")
_CLEAN_ENDS = {"messages": b'"message_stop"', "chat": b"data: [DONE]", "responses": b'"response.completed"'}


class Run:
    """What is asked of one server, and what has become of it."""

    def __init__(self, proxy: Proxy, random: Random) -> None:
        self.proxy = proxy
        self.counted: set[int] = set()
        self.asked = self.left = self.compared = 0
        """How many requests were sent, were left by their client before the end, and had the whole of what the model
        was given compared in their answer."""
        self._random = random

    async def ask_all(self, drawn: list[Drawn]) -> None:
        """Carry all of them out."""
        remaining = iter(drawn)
        numbers = iter(range(len(drawn), 10**6))

        async def work(remaining: Iterator[Drawn]) -> None:
            for each in remaining:
                await self._ask(each)
                if self._random.random() < 0.05:
                    await self._count(next(numbers))
                if self._random.random() < 0.05:
                    await self._look_around()

        async with trio.open_nursery() as nursery:
            for _ in range(_AT_ONCE):
                nursery.start_soon(work, remaining)
        await self.proxy.settle()

    async def _ask(self, drawn: Drawn) -> None:
        headers = self._headers(drawn.canary)
        if drawn.betas:
            headers["anthropic-beta"] = drawn.betas
        body, pieces, whole = orjson.dumps(speak(drawn)), [b""], False
        async with open_exchange(self.proxy.port, PATHS[drawn.dialect], body, headers=headers) as exchange:
            with trio.move_on_after(drawn.patience):
                while len(pieces) <= drawn.pieces and (piece := await exchange.chunk()):
                    pieces.append(piece)
                whole = len(pieces) <= drawn.pieces
        self.asked += 1
        reply = Reply(exchange.status, exchange.headers, b"".join(pieces))
        assert find_canaries(repr(reply)) <= {drawn.canary}, (drawn, reply)
        self.left += not whole
        if drawn.outcome != "either":
            assert whole, (drawn, reply)
            check_outcome(drawn, reply)
            self.compared += drawn.outcome == "dump"

    async def _count(self, number: int) -> None:
        """What is counted is this conversation alone, or the number would be another."""
        fields = draw_count(self._random, number)
        self.counted.add(number)
        headers = self._headers(canary(number))
        reply = await fetch(
            self.proxy.port, "/v1/messages/count_tokens", orjson.dumps(fields), headers=headers
        )
        texts = "\n\n".join(block["text"] for block in fields["system"])
        prompt = [{"role": "user", "content": texts}] if texts else []
        tokens = sum(count_tokens({"messages": each}) for each in (fields["messages"], prompt) if each)
        assert (reply.status, reply.json) == (200, {"input_tokens": tokens})

    async def _look_around(self) -> None:
        self.proxy.claude._listed.clear()  # so that an instance is asked, whoever has used it before
        for page in _PAGES:
            reply = await fetch(self.proxy.port, page, method="GET", headers=self._headers("nobody"))
            assert reply.status in (200, 503), reply
            assert find_canaries(repr(reply)) == set(), reply
        assert not (found := find_in_processes()), found

    def _headers(self, word: str) -> dict[str, str]:
        """What clients send beside a body: none of it goes any further."""
        key = {"x-api-key": self._random.choice(KEYS)}
        return {
            **key,
            "user-agent": f"x {word}",
            "cookie": f"x={word}",
            "traceparent": word,
            f"x-{word}": word,
        }


def check_outcome(drawn: Drawn, reply: Reply) -> None:
    """It is what it had to be."""
    streamed = reply.headers["content-type"].startswith("text/event-stream")
    ended = _CLEAN_ENDS[drawn.dialect] in reply.body or b'"response.incomplete"' in reply.body
    clean = reply.status == 200 and (ended or not streamed)
    assert clean == (drawn.outcome != "failed"), (drawn, reply)
    assert drawn.fields["stream"] == streamed or not clean
    if drawn.outcome == "dump":
        check_body(json.loads(_said(drawn.dialect, reply)), due(drawn))
    elif drawn.outcome == "call":
        assert drawn.fields.get("tool_choice", {}).get("name", "look").encode() in reply.body


def _said(dialect: Dialect, reply: Reply) -> str:
    match dialect:
        case "messages":
            return reply.text
        case "chat":
            return said_in_chat(reply)
    return said_in_response(reply)


def check_upstream(run: Run, drawn: list[Drawn]) -> int:
    """Of each request one body upstream at most, which is its own from first to last; so are its headers.

    Returns how many bodies those were.
    """
    assert run.proxy.api is not None
    received: list[int] = []
    for request in run.proxy.api.requests:
        heads = find_canaries(f"{request.path} {request.headers}")
        found = sorted(heads | find_canaries(json.dumps(request.body)))
        assert len(found) <= 1, request
        if request.path.startswith("/v1/messages/count_tokens"):
            # Some are the CLI's own, of which the model at most is a client's.
            assert request.body.keys() <= {"model", "messages", "tools"}
            assert not heads
            assert {number_of(each) for each in found} <= run.counted
            continue
        own = drawn[number_of(*found)]
        check_body(_without_going_on(request.body, own) if own.number in received else request.body, due(own))
        betas = request.headers["anthropic-beta"].split(",")
        assert [name for name in betas if find_canaries(name)] == [name for name in [own.betas] if name]
        received.append(own.number)
    stayed = {each.number for each in drawn if each.outcome != "either"}
    assert stayed <= set(received)
    return len(received)


def _without_going_on(body: Mapping[str, Any], drawn: Drawn) -> Json:
    """What the CLI asked by itself, as if it had not gone on with the conversation; the client may have to pay it.

    The guard comes too late on a busy machine, where an answer that was cut off is read as one piece.
    """
    begun = turns(due(drawn)["messages"])
    assert "[[stop=max_tokens" in json.dumps(begun[-1])
    assert [message["role"] for message in body["messages"][len(begun) :]] == ["assistant", "user"]
    return {**body, "messages": upstream_body(due(drawn))["messages"]}


def check_nothing_left(home: str, caplog: pytest.LogCaptureFixture) -> None:
    """No canary in any process, file, or line of the log."""
    assert not (found := find_in_processes()), found
    for folder in (home, tempfile.gettempdir()):
        assert not (found := find_in_files(Path(folder))), found
    formatter = logging.Formatter("%(name)s %(threadName)s %(message)s")
    for record in caplog.records:
        told = vars(record).copy()
        if record.name == "ccproxy_trio.requests":
            told.pop("model", None)  # which is named once an answer has come from it
        line = formatter.format(record) + repr(record.args) + repr(told)
        assert find_canaries(line) == set(), line
