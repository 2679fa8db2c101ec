"""Errors that nothing foresaw, made by breaking the server: told without details, logged without words.

Nor is there a clean end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h11
import pytest

from ccproxy_trio.claude import answer
from ccproxy_trio.dialects.sse import encode_event
from ccproxy_trio.server import messages
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from collections.abc import Callable


WORDS = "what a client wrote"
NAMED = ("RuntimeError, whose words are left out", "KeyError, whose words are left out", ", in fail\n")


def fail(*_: Any) -> Any:
    nothing: dict[str, str] = {}
    try:
        return nothing[WORDS]
    except KeyError as error:
        raise RuntimeError(WORDS) from error


def check_log(caplog: pytest.LogCaptureFixture, where: str) -> None:
    """It tells where it was, and what, and nothing else."""
    assert all(each in caplog.text for each in (where, *NAMED))
    assert WORDS not in caplog.text
    caplog.clear()


def fail_at(kind: str) -> Callable[[str, bytes], bytes]:
    def encode(name: str, data: bytes) -> bytes:
        return fail() if name == kind else encode_event(name, data)

    return encode


async def test_before_the_first_byte(
    demo: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for module, name in ((messages, "parse_request"), (answer, "MessageAssembler")):
            with monkeypatch.context() as broken:
                broken.setattr(module, name, fail)
                reply = await proxy.ask("x")
            assert reply.failure == (500, "api_error", "internal error of the proxy; its log says more")
            check_log(caplog, f"{reply.headers['request-id']} failed")
        assert (await proxy.ask("well")).text == "Demo echo: well"
        assert (await proxy.settle()).created == 1


async def test_after_the_first_byte(
    demo: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        with monkeypatch.context() as broken:
            broken.setattr(messages, "encode_event", fail_at("message_stop"))
            async with proxy.open("x [[gap=0.02]]", stream=True) as exchange:
                await exchange.until("content_block_delta")
                with pytest.raises(h11.RemoteProtocolError, match="without sending complete message body"):
                    await exchange.read()
        check_log(caplog, "Error in ASGI Framework")
        assert (await proxy.ask("well")).text == "Demo echo: well"
        await proxy.settle()
