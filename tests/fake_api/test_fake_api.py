"""The fake API over real sockets: what is sent, and what is recorded of it."""

from __future__ import annotations

import json
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h11
import pytest
import trio

from tests.cli.child import open_child
from tests.fake_api import open_fake_api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Client:
    """A connection to the fake API, one request after another."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._h11 = h11.Connection(h11.CLIENT)

    async def send(self, path: str, body: Any, method: str = "POST") -> None:
        data = json.dumps(body).encode()
        headers = [("host", "localhost"), ("content-length", str(len(data)))]
        events = (
            h11.Request(method=method, target=path, headers=headers),
            h11.Data(data=data),
            h11.EndOfMessage(),
        )
        await self.stream.send_all(b"".join(self._h11.send(event) or b"" for event in events))

    async def next(self) -> Any:
        while (event := self._h11.next_event()) is h11.NEED_DATA:
            self._h11.receive_data(await self.stream.receive_some())
        return event

    @property
    def read_ahead(self) -> bytes:
        """What has come of the answer that is not read yet."""
        return self._h11.trailing_data[0]

    async def answer(self) -> tuple[int, dict[str, str], str]:
        head, text = await self.next(), b""
        while isinstance(event := await self.next(), h11.Data):
            text += bytes(event.data)
        self._h11.start_next_cycle()
        return head.status_code, {key.decode(): value.decode() for key, value in head.headers}, text.decode()


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[Client]:
    async with await trio.open_tcp_stream("127.0.0.1", int(url.rpartition(":")[2])) as stream:
        yield Client(stream)


def say(text: str, **fields: Any) -> dict[str, Any]:
    return {"model": "claude-test", "messages": [{"role": "user", "content": text}], **fields}


async def test_one_connection_serves_many_requests() -> None:
    async with open_fake_api() as api, open_client(api.url) as client:
        await client.send("/v1/messages", say("hello there"))
        status, headers, text = await client.answer()
        assert (status, headers["request-id"]) == (200, "req_000001")
        message = json.loads(text)
        assert message["content"] == [{"type": "text", "text": "Demo echo: hello there"}]
        assert (message["stop_reason"], message["usage"]["output_tokens"]) == ("end_turn", 4)
        await client.send("/v1/messages?beta=true", say("on and on", max_tokens=3))
        assert json.loads((await client.answer())[2])["stop_reason"] == "max_tokens"
        await client.send("/v1/messages/count_tokens", say("x"))
        assert json.loads((await client.answer())[2]) == {"input_tokens": 13}
        await client.send("/v1/nothing", {})
        assert (await client.answer())[0] == 404
        await client.send("/v1/messages", say("[[status=429; retry_after=7]]"))
        status, headers, text = await client.answer()
        assert (status, headers["retry-after"]) == (429, "7")
        assert json.loads(text)["error"] == {"type": "rate_limit_error", "message": "fake 429"}
    assert [request.outcome for request in api.requests] == ["done", "done", "done", "error", "error"]
    assert [request.n for request in api.turns] == [1, 2, 5]
    assert api.requests[0].body == say("hello there")


async def test_tokens_are_counted_by_the_characters_and_not_by_the_blocks() -> None:
    async def count(**body: Any) -> Any:
        await client.send("/v1/messages/count_tokens", body)
        return json.loads((await client.answer())[2])

    async with open_fake_api() as api, open_client(api.url) as client:
        marked = {"type": "text", "text": "12345678", "cache_control": {"type": "ephemeral"}}
        for content in ("12345678", [marked], [{"type": "text", "text": "1234"}] * 2):
            assert await count(messages=[{"role": "user", "content": content}]) == {"input_tokens": 14}
        assert await count(messages=[], system="123", tools=[{"name": "12"}]) == {"input_tokens": 10}
        assert (await count(**say("[[status=500; message=no]]")))["error"] == {
            "type": "api_error",
            "message": "no",
        }


async def test_models_come_by_pages() -> None:
    async def ask(query: str) -> tuple[int, Any]:
        await client.send(f"/v1/models{query}", None, "GET")
        status, _, text = await client.answer()
        return status, json.loads(text)

    async def page(query: str) -> tuple[list[str], bool]:
        found = (await ask(query))[1]
        ids = [model["id"] for model in found["data"]]
        assert (found["first_id"], found["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
        return ids, found["has_more"]

    opus, fable, sonnet, haiku = (
        "claude-opus-5-5",
        "claude-fable-5-2",
        "claude-sonnet-5-5",
        "claude-haiku-5-5",
    )
    async with open_fake_api() as api, open_client(api.url) as client:
        assert await page("") == ([opus, fable, sonnet, haiku], False)
        assert await page("?limit=1") == ([opus], True)
        assert await page(f"?limit=2&after_id={opus}") == ([fable, sonnet], True)
        assert await page(f"?limit=2&before_id={haiku}") == ([fable, sonnet], True)
        assert await page(f"?after_id={haiku}") == ([], False)
        status, model = await ask(f"/{opus}")
        assert (status, model["id"], model["display_name"]) == (200, opus, "Claude Opus 5.5")
        assert [(await ask(query))[0] for query in ("?limit=0", "?after_id=x", "/x")] == [400, 400, 404]


@pytest.mark.parametrize(("wish", "whole"), [("gap=0.05", False), ("gap=0.05; one_segment", True)])
async def test_a_whole_stream_may_come_in_one_segment(wish: str, whole: bool) -> None:
    async with open_fake_api() as api, open_client(api.url) as client:
        await client.send("/v1/messages", say(f"[[{wish}]] hi", stream=True))
        await client.next()
        assert (b"message_stop" in client.read_ahead) is whole


async def test_a_stream_has_the_events_of_the_real_one() -> None:
    async with open_fake_api() as api, open_client(api.url) as client:
        await client.send("/v1/messages", say("hi [[deltas=2; thinking=hm]]", stream=True))
        status, headers, text = await client.answer()
    assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    named = [chunk.split("\ndata: ") for chunk in text.strip().split("\n\n")]
    events = [json.loads(data) for _, data in named]
    assert [name for name, _ in named] == [f"event: {event['type']}" for event in events]
    block = ["content_block_start", "content_block_delta", "content_block_delta", "content_block_stop"]
    end = ["message_delta", "message_stop"]
    assert [event["type"] for event in events] == ["message_start", "ping", *block, *block, *end]


async def test_an_error_event_ends_the_stream_and_a_cut_the_connection() -> None:
    async with open_fake_api() as api, open_client(api.url) as client:
        await client.send("/v1/messages", say("[[error=overloaded_error]]", stream=True))
        _, _, text = await client.answer()
        assert text.count("content_block_delta\n") == 2
        assert json.loads(text.rpartition("data: ")[2])["error"]["type"] == "overloaded_error"
        await client.send("/v1/messages", say("[[error=overloaded_error]]"))
        assert (await client.answer())[0] == 529
        await client.send("/v1/messages", say("[[cut; at=1]]", stream=True))
        with pytest.raises(h11.RemoteProtocolError):
            await client.answer()
    assert [request.outcome for request in api.requests] == ["error", "error", "error"]


@pytest.mark.parametrize("prompt", ["[[hang]]", "[[hang; at=0]]", "[[gap=30]]", "[[delay=30]]"])
async def test_a_client_that_goes_away_is_noticed(prompt: str) -> None:
    async with open_fake_api() as api, open_client(api.url) as client:
        await client.send("/v1/messages", say(prompt, stream=True))
        with trio.fail_after(5):
            await api.until(lambda api: len(api.requests) == 1)
            assert api.requests[0].outcome is None
            await client.stream.aclose()
            await api.until(lambda api: api.requests[0].outcome is not None)
    assert api.requests[0].outcome == "client_gone"


async def test_it_runs_as_a_process_of_its_own() -> None:
    argv = [sys.executable, "-m", "tests.fake_api", "--port", "0"]
    async with open_child(argv, {}, Path(__file__).parents[2]) as child:
        url = (await child.line()).decode()
        assert url.startswith("http://127.0.0.1:")
        async with open_client(url) as client:
            await client.send("/v1/messages", say("hello"))
            assert (await client.answer())[0] == 200
        child.process.send_signal(signal.SIGINT)
        assert await child.exit_code() == 0
