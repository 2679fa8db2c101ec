"""Large bodies: read beside everything else that the server does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import trio

from ccproxy_trio.dialects.anthropic import MessagesRequest, parse_request
from ccproxy_trio.server import messages
from tests.server.http_client import open_exchange
from tests.server.proxy import Backend, body_of, eventually, open_proxy

if TYPE_CHECKING:
    import pytest

    from ccproxy_trio.server.observe import RequestRecord

PATIENCE = 20.0


async def test_the_server_answers_others_while_it_reads_one(
    demo: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, others = threading.Event(), threading.Event()

    def read(body: bytes) -> MessagesRequest:
        reading.set()
        assert others.wait(PATIENCE)
        return parse_request(body)

    async with open_proxy(demo) as proxy:
        monkeypatch.setattr(messages, "parse_request", read)
        async with trio.open_nursery() as nursery:

            async def ask() -> None:
                assert (await proxy.ask("x" * 100_000)).text == f"Demo echo: {'x' * 100_000}"

            nursery.start_soon(ask)
            assert await trio.to_thread.run_sync(reading.wait, PATIENCE)
            assert (await proxy.get("/health")).status == 200
            others.set()


async def test_a_client_may_leave_while_its_body_is_read(
    demo: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, left, done = threading.Event(), threading.Event(), threading.Event()

    def read(body: bytes) -> MessagesRequest:
        reading.set()
        assert left.wait(PATIENCE)
        done.set()
        return parse_request(body)

    ended: list[RequestRecord] = []
    async with open_proxy(demo, observers=[ended.append]) as proxy:
        with monkeypatch.context() as slow:
            slow.setattr(messages, "parse_request", read)
            async with open_exchange(proxy.port, "/v1/messages", body_of("x" * 100_000)):
                assert await trio.to_thread.run_sync(reading.wait, PATIENCE)
            await eventually(lambda: [record.outcome for record in ended] == ["left"])
        left.set()
        assert await trio.to_thread.run_sync(done.wait, PATIENCE)
        assert proxy.statistics.acquired == 0
        assert (await proxy.ask("x" * 100_000)).status == 200
