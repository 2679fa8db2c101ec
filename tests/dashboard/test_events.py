"""The stream of events: all first, then what changes; bounded, harmless to clients, and with nothing of theirs."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import attrs
import h11
import orjson
import pytest
import trio

from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.dialects.sse import EventDecoder
from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.dashboard import dashboard as module
from ccproxy_trio.server.dashboard import events
from ccproxy_trio.server.dashboard.events import HEARTBEAT, INTERVAL
from ccproxy_trio.server.dashboard.state import NUMBERS
from ccproxy_trio.server.transport import crowd
from ccproxy_trio.settings import ClaudeSettings, KeySettings, ServerSettings, Settings, hash_key, new_key
from tests.asgi_client import open_request
from tests.dashboard.listening import open_listener
from tests.raw_http import open_server
from tests.server.http_client import PATIENCE, fetch
from tests.server.proxy import Backend, body_of, open_proxy
from tests.server.transport.small_app import put_in_place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from trio.testing import MockClock

    from tests.asgi_client import Conversation

LONG = 2 * PATIENCE
CANARY = "canary-9d1f"
KEY, OTHER_KEY = new_key(), new_key()


async def test_a_snapshot_and_then_what_changes(demo: Backend) -> None:
    async with open_proxy(demo, pool={"min_size": 1, "max_size": 2}) as proxy:
        await proxy.settle()
        async with open_listener(proxy.port) as listener:
            await listener.hear()
            assert listener.exchange.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert listener.exchange.headers["cache-control"] == "no-store"
            assert listener.raw.startswith(b"retry: 1000\nid: ")
            assert listener.names == ["snapshot"]
            assert listener.states == ["fresh"]
            assert listener.state["pool"]["acquired"] == 0
            assert listener.state["server"]["demo"] is True
            async with proxy.open("[[hang]]", stream=True) as exchange:
                await exchange.until("message_start")
                await listener.until(lambda _: listener.states == ["leased"])
                async with proxy.open("[[hang]]", stream=True) as second, proxy.open("hello") as third:
                    await second.until("message_start")
                    # One look may fall between the two, when the second waits for its instance.
                    await listener.until(
                        lambda state: (
                            state["pool"]["waiting"] == 1 and listener.states == ["leased", "leased"]
                        )
                    )
                    del third
            state = await listener.until(
                lambda state: (
                    not state["pool"]["in_use"] and all("pss" in one for one in state["instances"].values())
                )
            )
            assert {one["uses"] for one in state["instances"].values()} <= {1, 2}
            assert all(0 < one["pss"] <= one["rss"] for one in state["instances"].values())
            assert (await proxy.ask("[[die=before_first]]")).status == 502
            state = await listener.until(lambda state: state["retirements"] and state["minute"][1])
            (gone,) = state["retirements"].values()
            assert gone["reason"] == "died"
            assert "status 70" in gone["cause"]
            assert set(listener.names[1:]) == {"change"}
            assert len(set(listener.ids)) == len(listener.ids)
            assert len({each.partition("-")[0] for each in listener.ids}) == 1
            async with open_listener(proxy.port, headers={"last-event-id": listener.ids[-1]}) as again:
                await again.hear()
                assert again.names == ["snapshot"]


async def test_requests_are_counted_and_timed(demo: Backend) -> None:
    async with open_proxy(demo) as proxy, open_listener(proxy.port) as listener:
        assert (await proxy.ask("x")).status == 200
        assert (await proxy.ask("[[status=500]]")).status == 500
        assert (await proxy.post(b"{}")).status == 400
        await proxy.get("/healthz")
        state = await listener.until(lambda state: state["minute"][0] == 3)
        count, failed, first, first_high, waited, waited_high = state["minute"]
        assert (count, failed) == (3, 1)
        assert 0 < first <= first_high
        assert 0 <= waited <= waited_high
        assert sum(point[0] for point in state["traffic"].values()) == 3


async def test_nothing_of_a_client_is_told(demo: Backend) -> None:
    keys = {"name-of-ada": KeySettings(hash=hash_key(KEY))}
    async with (
        open_proxy(demo, server={"keys": keys}) as proxy,
        open_listener(proxy.port, headers={"x-api-key": KEY}) as listener,
    ):
        for prompt in (
            CANARY,
            f"{CANARY} [[die=mid_stream; flood_stderr=100]]",
            f"[[status=500; message={CANARY}]]",
        ):
            await proxy.post(
                body_of(prompt, system=CANARY, model="sonnet"), **{"x-api-key": KEY, "user-agent": CANARY}
            )
        await proxy.post(body_of("x", model=CANARY), **{"x-api-key": KEY})
        await listener.until(lambda state: state["minute"][0] == 4 and state["retirements"])
        assert CANARY.encode() not in listener.raw
        assert KEY.encode() not in listener.raw
        assert hash_key(KEY).encode() not in listener.raw
        assert b"name-of-ada" not in listener.raw


async def test_it_wants_a_key_and_ends_when_that_is_taken_away(demo: Backend) -> None:
    keys = {"ada": KeySettings(hash=hash_key(KEY)), "bob": KeySettings(hash=hash_key(OTHER_KEY))}
    settings = Settings(claude=ClaudeSettings(demo=True), server=ServerSettings(keys=keys))
    async with open_claude_pool(settings, environ=demo.environ) as claude:
        app = create_app(claude, settings)
        async with open_server(app) as server:
            for headers in ({}, {"x-api-key": new_key()}):
                assert (await fetch(server.port, "/pool/events", method="GET", headers=headers)).status == 401
            for path in ("/pool/events?key=", "/pool/events?x-api-key="):
                assert (await fetch(server.port, path + KEY, method="GET")).status == 401
            async with (
                open_listener(server.port, headers={"x-api-key": KEY}) as ada,
                open_listener(server.port, headers={"authorization": f"Bearer {OTHER_KEY}"}) as bob,
            ):
                await ada.hear()
                await bob.hear()
                fewer = {"bob": keys["bob"]}
                app.put_in_force(claude, attrs.evolve(settings, server=ServerSettings(keys=fewer, port=1)))
                while await ada.hear():
                    pass
                assert ada.names[-1] == "end"
                await bob.until(lambda state: state["settings"]["server.port"]["value"] == "1")
                past = datetime.now(UTC) - timedelta(seconds=1)
                late = {"bob": attrs.evolve(keys["bob"], expires=past)}
                app.put_in_force(claude, attrs.evolve(settings, server=ServerSettings(keys=late)))
                while await bob.hear():
                    pass
                assert bob.names[-1] == "end"


async def test_origins_and_hosts_are_as_for_every_request(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for path in ("/pool/events", "/dashboard", "/"):
            for name, value in (("origin", "https://evil.example"), ("host", "evil.example")):
                headers = {"accept": "text/html", name: value}
                reply = await fetch(proxy.port, path, method="GET", headers=headers)
                assert reply.status == 403, (path, name)


async def test_no_more_listeners_than_there_may_be(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST", 2)
    async with open_proxy(demo, pool={"min_size": 0, "warmup_on_startup": False}) as proxy:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                listener = await stack.enter_async_context(open_listener(proxy.port))
                await listener.hear()
            reply = await proxy.get("/pool/events")
            assert (reply.status, reply.headers["retry-after"]) == (429, "5")
            assert (await proxy.get("/pool/events", "HEAD")).status == 429
        with trio.fail_after(PATIENCE):
            while (await proxy.get("/pool/events", "HEAD")).status != 200:  # noqa: ASYNC110 -- no event tells
                await trio.sleep(0.01)
        assert proxy.statistics.created == 0  # Looking on takes no instance.


async def test_a_head_is_no_listener(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST", 1)
    async with open_proxy(demo) as proxy:
        for _ in range(3):
            assert (await proxy.get("/pool/events", "HEAD")).status == 200


async def test_it_does_not_keep_the_server_from_ending(demo: Backend) -> None:
    ended: list[str] = []

    async def listen(port: int, *, task_status: trio.TaskStatus[None]) -> None:
        async with open_listener(port) as listener:
            await listener.hear()
            task_status.started()
            while await listener.hear():
                pass
            ended.append(listener.names[-1])

    async with trio.open_nursery() as nursery:
        with trio.fail_after(LONG / 2):
            async with open_proxy(demo, server={"grace": LONG}) as proxy:
                port = proxy.port
                await nursery.start(listen, port)
    assert ended == ["end"]


async def test_clients_come_first_where_there_is_room_for_few(
    demo: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, repaired=True, max_connections=1)
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.0)
    async with open_proxy(demo) as proxy, open_listener(proxy.port) as listener:
        await listener.hear()
        assert (await proxy.ask("x")).status == 200
        with suppress(h11.RemoteProtocolError):  # cut, and not ended
            while await listener.hear():
                pass
        assert "end" not in listener.names


@asynccontextmanager
async def open_quiet() -> AsyncIterator[tuple[Conversation, Any]]:
    """Listen to a pool in which nothing happens but what a test does to its numbers; with that pool."""
    numbers = SimpleNamespace(backoff_until=None, **dict.fromkeys(NUMBERS, 0))
    pool = Mock()
    pool.resources.return_value = ()
    pool.statistics.side_effect = lambda: numbers
    pool.numbers = numbers
    claude: Any = SimpleNamespace(pool=pool, cli=SimpleNamespace(version="1", demo=True))
    app = create_app(claude, Settings(server=ServerSettings(allow_anyone=True, allowed_hosts=("test",))))
    assert not pool.statistics.called
    async with open_request(app, "GET", "/pool/events") as asked:
        assert await asked.start() == 200
        yield asked, pool


def read(chunk: bytes) -> Any:
    (event,) = EventDecoder().feed(chunk)
    return orjson.loads(event.data)


async def test_no_more_than_a_few_a_second_and_a_sign_of_life(autojump_clock: MockClock) -> None:
    async with open_quiet() as (asked, pool), trio.open_nursery() as nursery:
        assert read(await asked.chunk())["state"]["pool"]["waiting"] == 0
        start = trio.current_time()
        for _ in range(2):
            assert read(await asked.chunk())["change"] == {}
        assert trio.current_time() - start == 2 * HEARTBEAT

        async def change() -> None:
            while True:
                pool.numbers.waiting += 1
                await trio.sleep(0.01)

        nursery.start_soon(change)
        start = trio.current_time()
        for _ in range(9):
            assert read(await asked.chunk())["change"].keys() == {"pool"}
        assert trio.current_time() - start == pytest.approx(9 * INTERVAL)
        nursery.cancel_scope.cancel()


async def test_a_slow_listener_is_told_in_one_what_has_changed_meanwhile(autojump_clock: MockClock) -> None:
    async with open_quiet() as (asked, pool):
        await asked.chunk()
        for number in range(400):
            pool.numbers.waiting = number
            await trio.sleep(0.1)
        assert read(await asked.chunk())["change"]["pool"]["waiting"] < 10  # It was ready, and had to wait.
        assert read(await asked.chunk())["change"] == {"pool": {"waiting": 399}}
        assert pool.statistics.call_count < 10


async def test_nothing_is_looked_at_while_nobody_listens(autojump_clock: MockClock) -> None:
    async with open_quiet() as (asked, pool):
        await asked.chunk()
    looks = pool.statistics.call_count, pool.resources.call_count
    await trio.sleep(1000)
    assert (pool.statistics.call_count, pool.resources.call_count) == looks


async def test_two_listeners_see_the_same_look(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "INTERVAL", 1e6)
    monkeypatch.setattr(module, "INTERVAL", 1e6)
    async with (
        open_proxy(demo) as proxy,
        open_listener(proxy.port) as one,
        open_listener(proxy.port) as other,
    ):
        await one.hear()
        await other.hear()
        assert one.ids == other.ids
        assert one.state == other.state
