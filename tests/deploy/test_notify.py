"""What a service manager is told: by the class alone, and by a real server to a real socket."""

from __future__ import annotations

import logging
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest
import trio
from attrs import evolve

from ccproxy_trio.notify import ServiceManager
from tests.deploy.manager import listen
from tests.serve.running import SERVE, Scratch, open_server
from tests.serve.test_many_clients import rest
from tests.serve.test_start import write_slow_cli

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HUP, TERM = signal.SIGHUP, signal.SIGTERM


def told_of(scratch: Scratch, address: str, **more: str) -> Scratch:
    return evolve(scratch, variables={**scratch.variables, "NOTIFY_SOCKET": address, **more})


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@ccproxy-trio-test-{os.getpid()}"


async def test_a_servers_life(scratch: Scratch, address: str) -> None:
    settings = scratch.working / "ccproxy.toml"
    settings.write_text("")
    with listen(address) as manager:
        async with open_server(SERVE, told_of(scratch, address)) as server:
            assert await manager.next() == {
                "READY": "1",
                "STATUS": f"listens on http://127.0.0.1:{server.port}",
            }
            async with server.stream("[[deltas=100000; gap=0.05]] on") as stream:
                await stream.until("content_block_delta")
                for text in ("[pool_settings]\nmax_size = 3\n", "this is no TOML"):
                    settings.write_text(text)
                    before = time.monotonic_ns() // 1000
                    server.send_signal(HUP)
                    reloading, ready = await manager.next(), await manager.next()
                    assert reloading.keys() == {"RELOADING", "MONOTONIC_USEC"}
                    assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
                    assert ready == {"READY": "1"}
                server.send_signal(TERM)
                assert await manager.next() == {"STOPPING": "1", "STATUS": "finishing requests under way"}
                server.send_signal(HUP)
                server.send_signal(TERM)
                assert await server.wait() == 0
        assert manager.rest() == []


async def test_ready_is_told_before_an_instance_is_warm(scratch: Scratch, tmp_path: Path) -> None:
    cli, gate = tmp_path / "claude", tmp_path / "gate"
    write_slow_cli(cli, gate)
    scratch = told_of(evolve(scratch, variables={"CLAUDE__CLI_PATH": str(cli)}), str(tmp_path / "notify"))
    with listen(str(tmp_path / "notify")) as manager:
        async with open_server(SERVE, scratch) as server, server.stream("early") as early:
            assert "READY" in await manager.next()
            assert (await server.get("/pool/stats")).json["stats"]["connections_created"] == 0
            gate.touch()
            assert (await early.read()).text == "Demo echo: early"


async def test_no_child_may_speak_for_it(scratch: Scratch, tmp_path: Path) -> None:
    with listen(str(tmp_path / "notify")) as manager:
        theirs = told_of(scratch, str(tmp_path / "notify"), WATCHDOG_USEC="60000000")
        async with open_server(SERVE, theirs) as server:
            await manager.until("WATCHDOG")
            assert (await server.ask("hello")).status == 200
            # One that is being started has the server's until it is a program of its own.
            assert (await rest(server)) == len(scratch.instances)
            for pid in scratch.instances:
                given = await trio.Path(f"/proc/{pid}/environ").read_bytes()
                assert b"CLAUDE_CODE_" in given
                assert b"NOTIFY_SOCKET" not in given
                assert b"WATCHDOG" not in given


async def test_the_watchdog_hears_to_the_end(scratch: Scratch, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listen(address) as manager:
        async with (
            open_server(SERVE, told_of(scratch, address, WATCHDOG_USEC="100000")) as server,
            server.stream("[[deltas=100000; gap=0.05]] on") as stream,
        ):
            told = await manager.until("WATCHDOG")
            assert "READY" in told[0]
            await manager.until("WATCHDOG")
            await stream.until("content_block_delta")
            server.send_signal(TERM)
            await manager.until("STOPPING")
            for _ in range(3):
                assert await manager.next() == {"WATCHDOG": "1"}
            server.send_signal(TERM)
            assert await server.wait() == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("vsock:2:1234", "NOTIFY_SOCKET is not used: found 'vsock:2:1234'"),
        ("/nowhere/notify", "the service manager cannot be told READY=1: No such file or directory"),
    ],
)
async def test_a_manager_that_cannot_be_told_is_told_of(scratch: Scratch, name: str, said: str) -> None:
    async with open_server(SERVE, told_of(scratch, name, WATCHDOG_USEC="50000")) as server:
        assert (await server.ask("hello")).status == 200
        await trio.sleep(0.2)
    assert server.stderr.value.count(said) == 1
    assert server.stderr.value.count("the service manager") <= 1


MINE = str(os.getpid())


@pytest.mark.parametrize(
    ("given", "address", "watchdog", "warned"),
    [
        ({}, "", None, False),
        ({"WATCHDOG_USEC": "1000000"}, "", None, False),
        ({"NOTIFY_SOCKET": ""}, "", None, False),
        ({"NOTIFY_SOCKET": "/run/x"}, "/run/x", None, False),
        ({"NOTIFY_SOCKET": "@x"}, "\0x", None, False),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1500000"}, "/x", 1.5, False),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1500000", "WATCHDOG_PID": MINE}, "/x", 1.5, False),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "1"}, "/x", None, False),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "0"}, "/x", None, True),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "-5"}, "/x", None, True),
        ({"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "²"}, "/x", None, True),
        ({"NOTIFY_SOCKET": "relative"}, "", None, True),
        ({"NOTIFY_SOCKET": "@"}, "", None, True),
    ],
)
def test_what_the_environment_says(
    given: Mapping[str, str],
    address: str,
    watchdog: float | None,
    warned: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    environ = {"PATH": "/bin", **given}
    with caplog.at_level(logging.WARNING):
        manager = ServiceManager.take(environ)
    assert (manager.address, manager.watchdog) == (address, watchdog)
    assert bool(caplog.records) == warned
    assert environ == {"PATH": "/bin"}


async def test_a_reload_that_ends_after_the_stop_says_nothing(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listen(address) as listening:
        manager = ServiceManager(address)

        async def reload() -> None:
            await manager.tell_stopping("bye")

        await manager.around(reload)()
        told = listening.rest()
    assert [next(iter(message)) for message in told] == ["RELOADING", "STOPPING"]


async def test_a_manager_that_takes_nothing_keeps_nobody_waiting(
    tmp_path: Path, autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    with listen(str(tmp_path / "notify")) as listening:
        manager = ServiceManager(str(tmp_path / "notify"))
        began = trio.current_time()
        for _ in range(100_000):
            await manager.tell_ready("x")
            if trio.current_time() > began:
                break
        assert trio.current_time() == began + 2.0
        await manager.tell_ready("x")
        assert listening.rest()
    assert caplog.messages == [
        "the service manager cannot be told READY=1: nothing was taken within 2 s",
    ]


async def test_it_says_that_it_is_not_ready_before_it_stops(scratch: Scratch) -> None:
    scratch = evolve(scratch, variables={**scratch.variables, "SERVER__DRAIN_DELAY": "3600"})
    async with open_server(SERVE, scratch) as server:
        before = await server.ask("hello")
        assert "connection" not in before.headers
        server.send_signal(TERM)
        while (ready := await server.get("/readyz")).status == 200:  # noqa: ASYNC110 -- no event tells
            await trio.sleep(0.01)
        assert (ready.status, ready.json) == (503, {"status": "draining"})
        assert (await server.get("/healthz")).status == 200
        for _ in range(2):
            answer = await server.ask("and again")
            assert (answer.status, answer.text) == (200, "Demo echo: and again")
            assert answer.headers["connection"] == "close"
        server.send_signal(TERM)
        assert await server.wait() == 0


async def test_the_delay_passes(scratch: Scratch) -> None:
    scratch = evolve(scratch, variables={**scratch.variables, "SERVER__DRAIN_DELAY": "0.3"})
    async with open_server(SERVE, scratch) as server, server.stream("[[deltas=20; gap=0.05]] on") as stream:
        await stream.until("content_block_delta")
        server.send_signal(TERM)
        await server.until_closed_to_newcomers()
        assert b"event: message_stop\n" in (await stream.read()).body
        assert await server.wait() == 0
    assert "new requests are still taken for 0.3 s" in server.stderr.value
