"""Many clients, and one that hardly reads, at a server of its own process: what it takes, and that it gives it back.

CI has a few clients. `CCPROXY_TEST_CLIENTS=1000` has as many as that; the test then takes half a minute.
"""

from __future__ import annotations

import os
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest
import trio
from attrs import evolve

from ccproxy_trio.server.transport.crowd import MOST_TOLD
from tests.raw_http import open_connection
from tests.serve.running import CUT, SERVE, Server, open_server
from tests.server.http_client import PATIENCE

if TYPE_CHECKING:
    from tests.serve.running import Scratch
    from tests.server.http_client import Exchange

CLIENTS = int(os.environ.get("CCPROXY_TEST_CLIENTS", "60"))
MEGABYTE = 1 << 20
FOR_EACH = 100_000
"""Bytes of memory that a client may cost; it was some 25,000."""


def memory(pid: int) -> int:
    """The bytes of memory that a process has in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def open_files(pid: int) -> int:
    """How many file descriptors a process has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def written(pid: int) -> int:
    """How many bytes a process has written so far."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("wchar")).split()[1])


def with_settings(scratch: Scratch, **variables: str) -> Scratch:
    """The same folder, with more in the server's environment."""
    return evolve(scratch, variables={**scratch.variables, **variables})


async def rest(server: Server) -> int:
    """Wait until the pool is at rest; the number of its instances."""
    with trio.fail_after(PATIENCE):
        while True:
            stats = orjson.loads((await server.get("/pool/stats")).body)["stats"]
            if stats["available_connections"] == stats["total_connections"] > 0:
                return int(stats["total_connections"])
            await trio.sleep(0.05)


@pytest.mark.timeout(300)
async def test_many_streams_at_once(scratch: Scratch) -> None:
    """Each is answered in its turn; who asks for something short does not wait for them."""
    scratch = with_settings(
        scratch,
        POOL_SETTINGS__MAX_SIZE="2",
        POOL_SETTINGS__MIN_SIZE="2",
        POOL_SETTINGS__ACQUIRE_TIMEOUT="250",
    )
    async with open_server(SERVE, scratch) as server:
        await rest(server)
        pid = server.process.pid
        before, files = memory(pid), open_files(pid)
        texts: set[str] = set()

        async def read(number: int, exchange: Exchange) -> None:
            reply = await exchange.read()
            assert reply.text == f"Demo echo: number {number}", reply
            texts.add(reply.text)

        async with AsyncExitStack() as stack:
            exchanges = [
                await stack.enter_async_context(server.stream(f"number {number} [[gap=0.002]]"))
                for number in range(CLIENTS)
            ]
            async with trio.open_nursery() as nursery:
                for number, exchange in enumerate(exchanges):
                    nursery.start_soon(read, number, exchange)
                assert (await server.get("/healthz")).status == 200
                assert open_files(pid) > files + CLIENTS / 4
            assert len(texts) == CLIENTS
            assert memory(pid) - before < 3 * MEGABYTE + CLIENTS * FOR_EACH
        await rest(server)
        await scratch.until(lambda: open_files(pid) <= files)


@pytest.mark.timeout(300)
async def test_many_who_say_nothing(scratch: Scratch) -> None:
    """They take all the places there are, and a request is answered nevertheless."""
    places = CLIENTS // 2
    scratch = with_settings(scratch, SERVER__MAX_CONNECTIONS=str(places))
    async with open_server(SERVE, scratch) as server, AsyncExitStack() as stack:
        await rest(server)
        pid = server.process.pid
        before, files = memory(pid), open_files(pid)
        for number in range(CLIENTS):
            connection = await stack.enter_async_context(open_connection(server.port))
            with suppress(*CUT):
                await connection.send(
                    (b"", b"POST /v1/mess", b"POST /v1/messages HTTP/1.1\r\nHost: x\r\n")[number % 3]
                )
        reply = None
        with trio.fail_after(PATIENCE):
            while reply is None or reply.status != 200:
                with suppress(*CUT):
                    reply = await server.ask("well")
                await trio.sleep(0.1)
        assert reply.text == "Demo echo: well"
        assert open_files(pid) <= files + places + MOST_TOLD + 10
        await scratch.until(lambda: open_files(pid) <= files + places + 1)
        assert memory(pid) - before < 3 * MEGABYTE + CLIENTS * FOR_EACH
        await stack.aclose()
        await scratch.until(lambda: open_files(pid) <= files)
    assert "refused a connection: there are" in server.stderr.value
    assert "[error" not in server.stderr.value


@pytest.mark.timeout(300)
async def test_a_long_answer_to_a_slow_reader(scratch: Scratch) -> None:
    """Of 50 MB the server holds next to nothing, and the child writes no more until it is read."""
    scratch = with_settings(scratch, POOL_SETTINGS__MAX_SIZE="1")
    async with open_server(SERVE, scratch) as server:
        await rest(server)
        (child,) = scratch.instances
        pid = server.process.pid
        before = memory(pid)
        async with server.stream("slowly [[deltas=430000]]", receive_buffer=4096) as exchange:
            await exchange.start()
            said, looks = -1, 0
            with trio.fail_after(PATIENCE):
                while looks < 3:  # A busy machine may hold it up for a moment.
                    now = written(child)
                    said, looks = now, looks + 1 if now == said else 0
                    await trio.sleep(0.2)
            held = memory(child)
            for _ in range(30):
                await exchange.chunk()
            assert said < 8 * MEGABYTE
            assert written(child) < said + MEGABYTE
            assert memory(child) < held + MEGABYTE
            assert memory(pid) < before + 5 * MEGABYTE
        assert await rest(server) == 1
        assert (await server.ask("well")).text == "Demo echo: well"
        assert scratch.instances == {child}
