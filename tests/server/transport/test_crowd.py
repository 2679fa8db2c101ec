"""More connections than there may be: the idle ones give way, the busy ones stay, and nobody waits in vain."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import trio
from attrs import define
from hypercorn.config import Config

from ccproxy_trio.server.transport import crowd, tcp_server
from ccproxy_trio.server.transport.crowd import IDLE_ENOUGH, MOST_TOLD, Crowd, Welcome
from tests.raw_http import PATIENCE, open_connection, open_server

from .small_app import create_small_app, get, put_in_place

if TYPE_CHECKING:
    import pytest
    from trio.testing import MockClock


@define(eq=False)
class Guest:
    """A connection that notes whether it was told to go."""

    gone: bool = False

    def give_way(self) -> None:
        self.gone = True


async def test_who_has_been_idle_for_the_longest_gives_way(autojump_clock: MockClock) -> None:
    full = Crowd(3)
    guests = [Guest() for _ in range(3)]
    for guest in guests:
        assert full.enter(guest) is Welcome.SERVED
        await trio.sleep(IDLE_ENOUGH)
    full.note_busy(guests[0])
    full.note_busy(guests[1])
    full.note_idle(guests[1], trio.current_time())  # only just
    assert full.enter(Guest()) is Welcome.SERVED
    assert [guest.gone for guest in guests] == [False, False, True]
    assert full.enter(Guest()) is Welcome.TOLD  # nobody has been idle for long
    await trio.sleep(IDLE_ENOUGH)
    assert full.enter(Guest()) is Welcome.SERVED
    assert [guest.gone for guest in guests] == [False, True, True]


async def test_how_many_are_told(autojump_clock: MockClock) -> None:
    full = Crowd(1)
    busy = Guest()
    assert full.enter(busy) is Welcome.SERVED
    full.note_busy(busy)
    told = [Guest() for _ in range(MOST_TOLD)]
    assert {full.enter(guest) for guest in told} == {Welcome.TOLD}
    assert full.enter(Guest()) is Welcome.SHUT_OUT
    full.note_idle(told[0], 0.0)  # it is not served, and takes nobody's place
    full.leave(told[0])
    assert full.enter(Guest()) is Welcome.TOLD
    full.leave(busy)
    assert full.enter(Guest()) is Welcome.SERVED
    full.leave(told[1])
    full.leave(busy)  # twice does nothing
    assert full.enter(Guest()) is Welcome.TOLD


async def test_newcomers_of_a_full_server(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(
        monkeypatch,
        repaired=True,
        max_connections=2,
        refuse=lambda status, path, _: (status, (), path.encode()),
    )
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.0)
    monkeypatch.setattr(tcp_server, "LINGER", 0.2)
    async with open_server(create_small_app()) as server:
        async with open_connection(server.port) as idle, open_connection(server.port) as busy:
            await idle.send(get("/"))
            assert (await idle.read_answer()).status == 200
            await busy.send(get("/flood"))
            await busy.read_answer(to_head=True)
            async with open_connection(server.port) as newcomer:
                await newcomer.send(get("/flood"))
                await newcomer.read_answer(to_head=True)
                assert await idle.read_to_end() == b""

                monkeypatch.setattr(crowd, "MOST_TOLD", 2)
                async with open_connection(server.port) as silent, open_connection(server.port) as told:
                    await told.send(get("/here?x"))
                    answer = await told.read_answer()
                    assert (answer.status, answer.body) == (529, b"/here")
                    assert await told.read_to_end() == b""
                    assert await silent.read_to_end() == b""
                monkeypatch.setattr(crowd, "MOST_TOLD", 0)
                async with open_connection(server.port) as shut_out:
                    assert await shut_out.read_to_end() == b""
        monkeypatch.setattr(crowd, "MOST_TOLD", 2)
        status = 0
        with trio.fail_after(PATIENCE):
            while status != 200:  # until the server has noticed that the others are gone
                async with open_connection(server.port) as later:
                    await later.send(get("/"))
                    status = (await later.read_answer()).status
    assert server.failure is None


async def test_a_head_that_does_not_end_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True, max_connections=1)
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.0)
    async with open_server(create_small_app()) as server, open_connection(server.port) as slow:
        await slow.send(get("/")[:-1])
        for _ in range(3):
            async with open_connection(server.port) as newcomer:
                await newcomer.send(get("/"))
                assert (await newcomer.read_answer()).status == 200
        assert await slow.read_to_end() == b""


async def test_a_handshake_that_does_not_come_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    put_in_place(monkeypatch, repaired=True, max_connections=1)
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.0)
    monkeypatch.setattr(Config, "create_ssl_context", lambda _: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
    async with (
        open_server(create_small_app(), certfile="none", keyfile="none") as server,
        open_connection(server.port) as silent,
        open_connection(server.port),
    ):
        assert await silent.read_to_end() == b""
    assert server.failure is None
