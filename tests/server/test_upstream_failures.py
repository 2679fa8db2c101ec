"""What the API behind the CLI refuses or breaks off: told with its own status and type, asked for once only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve

from ccproxy_trio.claude.demo.answer import ERROR_TYPES, status_of
from ccproxy_trio.dialects.anthropic.cli_texts import NOT_LOGGED_IN
from ccproxy_trio.dialects.anthropic.errors import STATUSES
from tests.server.proxy import Backend, Proxy, eventually, open_proxy

if TYPE_CHECKING:
    from tests.server.http_client import Reply

FAILING = (400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529)
TOLD = {404: "model: claude-sonnet-5-5", 413: "Request exceeds the maximum size"}
"""Where the CLI has a text of its own in place of the API's message."""
UNTOLD = ("api_error", "timeout_error", "overloaded_error")
"""After a whole block the CLI keeps these to itself, and asks on."""
BROKEN_OFF = "the upstream API broke off its answer"
NO_ANSWER = "The CLI got no answer from the API: "
HISTORY = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


async def ask_once(proxy: Proxy, prompt: Any, *, stream: bool, times: int = 1) -> Reply:
    """Ask; the fake API, if there is one, must have been asked `times` times for it."""
    before = len(proxy.upstream)
    reply = await proxy.ask(prompt, stream=stream)
    assert proxy.api is None or len(proxy.upstream) - before == times, prompt
    return reply


def check_request_id(proxy: Proxy, reply: Reply) -> None:
    """A failure has the id under which upstream knows the request."""
    assert proxy.api is None or reply.headers["request-id"] == f"req_{proxy.upstream[-1].n:06}"


def say_type(backend: Backend, kind: str) -> tuple[int, str]:
    """The status of an error that came as an event, and its type; the stand-in knows some types only."""
    if backend.demo:
        return status_of(kind), ERROR_TYPES[status_of(kind)]
    return STATUSES[kind], kind


@pytest.mark.parametrize("stream", [False, True])
async def test_statuses_are_passed_on(backend: Backend, stream: bool) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for status in FAILING:
            text = f"x [[status={status}; message=No luck today]]"
            for prompt in (text, [*HISTORY, {"role": "user", "content": text}]):
                # The CLI looks a second time whether a model is really not there; docs/compatibility.md says so.
                reply = await ask_once(proxy, prompt, stream=stream, times=2 if status == 404 else 1)
                kind = ERROR_TYPES.get(status, "api_error")
                message = TOLD.get(status, "No luck today")
                assert reply.failure == (status, kind, message)
                assert reply.headers["content-type"] == "application/json"
                check_request_id(proxy, reply)
        assert (await ask_once(proxy, "well", stream=False)).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


@pytest.mark.cli
async def test_what_does_not_fit_is_told_by_upstream_alone(cli: Backend) -> None:
    """The CLI neither summarises a long conversation nor refuses it by a guess of its own."""
    too_long = "prompt is too long: 208310 tokens > 200000 maximum"
    no_room = "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"
    size = (
        "messages.0.content.0.image.source.base64: image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes"
    )
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    asked = {"model": "claude-haiku-4-5"}
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for message in (too_long, no_room):
            last = {"role": "user", "content": f"x [[status=400; message={message}]]"}
            for prompt in (last["content"], [*HISTORY, last]):
                reply = await ask_once(proxy, prompt, stream=False)
                assert reply.failure[:2] == (400, "invalid_request_error")
                assert reply.failure[2].startswith("prompt is too long: ")
        # Without the image the CLI asks again; whatever the API says to that, the refusal counts.
        text = {"type": "text", "text": f"x [[status=400; message={size}]]"}
        reply = await ask_once(proxy, [{"role": "user", "content": [image, text]}], stream=True, times=2)
        assert reply.failure == (400, "invalid_request_error", "image exceeds the maximum size")
        # Of some 225,000 tokens, in the CLI's count, for a model that has room for 200,000.
        # The answer is short, as after one that is cut off the CLI goes on by itself.
        long = "The quick brown fox jumps over the lazy dog. " * 20_000 + "[[text=ok]]"
        for prompt in (
            long,
            [{"role": "user", "content": long}, HISTORY[1], {"role": "user", "content": "x"}],
        ):
            before = len(proxy.upstream)
            reply = await proxy.ask(prompt, **asked)
            assert (reply.status, len(proxy.upstream) - before) == (200, 1)
        assert (await proxy.settle()).created == 1


@pytest.mark.parametrize("at", [0, 1, 3, 5], ids=["first", "start", "block", "delta"])
async def test_an_error_in_mid_stream(backend: Backend, at: int) -> None:
    """Streamed, it ends with an `error` event and never with `message_stop`; whole, it is an error."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for kind in STATUSES:
            prompt = f"x [[error={kind}; message=No luck.; at={at}; gap=0.005]]"
            status, told = say_type(backend, kind)
            whole = await ask_once(proxy, prompt, stream=False)
            assert whole.failure == (status, told, "No luck.")
            check_request_id(proxy, whole)
            streamed = await ask_once(proxy, prompt, stream=True)
            assert streamed.failure == (200 if at else status, told, "No luck.")
            if at:
                assert streamed.types[0] == "message_start"
                assert "message_stop" not in streamed.types
                assert streamed.events[-1]["request_id"] == streamed.headers["request-id"]
        assert (await ask_once(proxy, "well", stream=False)).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_a_connection_that_breaks_off(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for at in (0, 1, 5):
            whole = await ask_once(proxy, f"x [[cut; at={at}; gap=0.01]]", stream=False)
            assert whole.failure[:2] == (502, "api_error")
            assert whole.failure[2].startswith(f"{NO_ANSWER}Connection")
        streamed = await ask_once(proxy, "x [[cut; at=5; gap=0.01]]", stream=True)
        assert streamed.failure[1] == "api_error"
        assert "message_stop" not in streamed.body.decode()
        assert (await ask_once(proxy, "well", stream=False)).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_an_error_after_a_whole_block(backend: Backend) -> None:
    """After some faults the CLI would go on by itself, and does not say what happened. No second answer is told."""
    untold = STATUSES.keys() if backend.demo else UNTOLD
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for fault in STATUSES:
            told = (502, "api_error", BROKEN_OFF) if fault in untold else (STATUSES[fault], fault, "no")
            prompt = f"x [[error={fault}; message=no; at=9; deltas=5; gap=0.01]]"
            before = len(proxy.upstream)
            whole = await proxy.ask(prompt)
            assert whole.failure == told
            assert proxy.api is None or whole.headers["request-id"] == f"req_{proxy.upstream[before].n:06}"
            streamed = await proxy.ask(prompt, stream=True)
            assert streamed.failure == (200, *told[1:])
            assert streamed.types.count("message_start") == streamed.types.count("content_block_stop") == 1
            assert not {"message_delta", "message_stop"} & {*streamed.types}
        for stream in (False, True):
            cut = await proxy.ask("x [[cut; at=9; deltas=5; gap=0.01]]", stream=stream)
            # A reset may take the end of the block with it, and then the CLI tells of the connection.
            assert cut.failure[1] == "api_error"
            assert cut.failure[2] == BROKEN_OFF or cut.failure[2].startswith(NO_ANSWER)
            assert "message_stop" not in cut.body.decode()
        assert (await proxy.ask("well")).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


@pytest.mark.parametrize("at", [0, 5])
async def test_an_api_that_falls_silent(backend: Backend, at: int) -> None:
    short = {"first_event_timeout": 1.0, "stall_timeout": 0.5}
    async with open_proxy(backend, pool={"max_size": 1}, claude=short) as proxy:
        reply = await ask_once(proxy, f"x [[hang; at={at}; gap=0.01]]", stream=True)
        assert reply.failure[:2] == (200 if at else 504, "timeout_error")
        assert reply.failure[2] == f"the claude process gave no event within {0.5 if at else 1} s"
        assert "message_stop" not in reply.body.decode()
        assert (await ask_once(proxy, "well", stream=False)).text == "Demo echo: well"
        if proxy.api is not None:
            await eventually(lambda: [one.outcome for one in proxy.upstream] == ["client_gone", "done"])


@pytest.mark.cli
async def test_more_tokens_than_the_cli_would_ask_for(cli: Backend) -> None:
    """Of a model that it does not know it thinks that it writes 32,000, and would ask again with no more."""
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for model in ("claude-of-tomorrow", "claude-sonnet-4-5", "sonnet"):
            for status in (400, 500):
                before = len(proxy.upstream)
                reply = await proxy.ask(f"x [[status={status}]]", model=model, max_tokens=500_000)
                assert reply.status == status
                assert [request.body["max_tokens"] for request in proxy.upstream[before:]] == [500_000]


@pytest.mark.cli
async def test_nobody_listens_upstream(cli: Backend) -> None:
    environ = {**cli.environ, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    async with open_proxy(evolve(cli, environ=environ)) as proxy:
        for stream in (False, True):
            reply = await proxy.ask("x", stream=stream)
            assert reply.failure[:2] == (502, "api_error")
            assert reply.failure[2].startswith(NO_ANSWER)
        assert (await proxy.settle()).in_use == 0


@pytest.mark.cli
async def test_an_address_that_is_none(cli: Backend) -> None:
    """The guard makes it so after each answer; before one it is the operator's mistake."""
    async with open_proxy(evolve(cli, environ={**cli.environ, "ANTHROPIC_BASE_URL": "nowhere"})) as proxy:
        reply = await proxy.ask("x")
        message = "The address of the API that this server is set up with is not valid"
        assert reply.failure == (502, "api_error", message)


@pytest.mark.cli
async def test_not_logged_in(cli: Backend, caplog: pytest.LogCaptureFixture) -> None:
    environ = {name: value for name, value in cli.environ.items() if name != "ANTHROPIC_API_KEY"}
    async with open_proxy(evolve(cli, environ=environ)) as proxy:
        for stream in (False, True):
            reply = await proxy.ask("x", stream=stream)
            assert reply.failure == (401, "authentication_error", NOT_LOGGED_IN)
        assert proxy.api is not None
        assert proxy.api.requests == []
        await proxy.settle()
        assert (await proxy.get("/readyz")).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
