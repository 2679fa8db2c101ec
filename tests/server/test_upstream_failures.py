"""What the API behind the CLI refuses or breaks off: told with its own status and type, asked for once only."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from tests.server.proxy import Backend, Proxy, eventually, open_proxy

if TYPE_CHECKING:
    from tests.server.http_client import Reply

STATUSES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


async def ask_once(proxy: Proxy, prompt: str, *, stream: bool, times: int = 1) -> Reply:
    """Ask; the fake API, if there is one, must have been asked `times` times for it."""
    before = len(proxy.upstream)
    reply = await proxy.ask(prompt, stream=stream)
    assert proxy.api is None or len(proxy.upstream) - before == times, prompt
    return reply


@pytest.mark.parametrize("stream", [False, True])
async def test_statuses_are_passed_on(backend: Backend, stream: bool) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for status, kind in STATUSES.items():
            prompt = f"x [[status={status}; message=no luck today]]"
            # The CLI looks a second time whether a model is really not there; docs/compatibility.md says so.
            reply = await ask_once(proxy, prompt, stream=stream, times=2 if status == 404 else 1)
            told = {404: "model: claude-sonnet-5-5", 413: "Request too large (max 32MB)"}
            assert reply.failure[:2] == (status, kind)
            assert reply.failure[2].rstrip(".") == told.get(status, "no luck today")
            assert reply.headers["content-type"] == "application/json"
        assert (await ask_once(proxy, "well", stream=False)).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_an_answer_that_breaks_off(backend: Backend) -> None:
    """Streamed, it ends with an `error` event and never with `message_stop`; whole, it is an error."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for kind, status in (("overloaded_error", 529), ("rate_limit_error", 429)):
            for at in (0, 1, 3, 5, 6):
                prompt = f"x [[error={kind}; message=no luck; at={at}; gap=0.01]]"
                whole = await ask_once(proxy, prompt, stream=False)
                assert whole.failure == (status, kind, "no luck")
                streamed = await ask_once(proxy, prompt, stream=True)
                assert streamed.failure == (200 if at else status, kind, "no luck")
                if at:
                    assert streamed.types[0] == "message_start"
                    assert "message_stop" not in streamed.types
                    assert streamed.events[-1]["request_id"] == streamed.headers["request-id"]
        # Of this one the CLI tells neither status nor type.
        unnamed = await ask_once(proxy, "x [[error=api_error; message=no luck]]", stream=True)
        assert unnamed.failure[1] == "api_error"
        assert unnamed.failure[2].endswith("no luck")
        for at in (0, 5):
            whole = await ask_once(proxy, f"x [[cut; at={at}; gap=0.01]]", stream=False)
            assert whole.failure[:2] == (502, "api_error")
            assert whole.failure[2].startswith("The CLI got no answer from the API: Connection")
        streamed = await ask_once(proxy, "x [[cut; at=5; gap=0.01]]", stream=True)
        assert streamed.failure[1] == "api_error"
        assert "message_stop" not in streamed.body.decode()
        assert (await ask_once(proxy, "well", stream=False)).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_an_answer_that_breaks_off_after_a_whole_block(backend: Backend) -> None:
    """The CLI goes on with a request of its own then; the client hears of the break, and of nothing after it."""
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        for prompt in ("x [[error=overloaded_error; at=9; deltas=5]]", "x [[cut; at=9; deltas=5; gap=0.01]]"):
            streamed = await proxy.ask(prompt, stream=True)
            assert streamed.types.count("message_start") <= 1
            assert streamed.failure[1] in ("overloaded_error", "api_error")
            assert (await proxy.ask(prompt)).status >= 500
        assert (await proxy.ask("well")).text == "Demo echo: well"


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
async def test_nobody_listens_upstream(cli: Backend) -> None:
    environ = {**cli.environ, "ANTHROPIC_BASE_URL": "http://127.0.0.1:9"}
    async with open_proxy(evolve(cli, environ=environ)) as proxy:
        for stream in (False, True):
            reply = await proxy.ask("x", stream=stream)
            assert reply.failure[:2] == (502, "api_error")
            assert reply.failure[2].startswith("The CLI got no answer from the API: ")
        assert (await proxy.settle()).in_use == 0


@pytest.mark.cli
async def test_not_logged_in(cli: Backend, caplog: pytest.LogCaptureFixture) -> None:
    environ = {name: value for name, value in cli.environ.items() if name != "ANTHROPIC_API_KEY"}
    async with open_proxy(evolve(cli, environ=environ)) as proxy:
        for stream in (False, True):
            reply = await proxy.ask("x", stream=stream)
            assert reply.failure == (
                401,
                "authentication_error",
                "The CLI behind this server is not logged in. Log in with the `claude` CLI as the user that runs "
                "this server, or set ANTHROPIC_API_KEY in the server's environment.",
            )
        assert proxy.api is not None
        assert proxy.api.requests == []
        assert (await proxy.get("/readyz")).status == 200
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
