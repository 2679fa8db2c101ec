"""What one key may ask, as a machine that is told the time; and the same on trio's clock, at the server's door."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import orjson
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.limits import Limits, TooMany
from ccproxy_trio.settings import KeySettings, ServerSettings, Settings, hash_key
from tests.asgi_client import open_request

if TYPE_CHECKING:
    from quart_trio import QuartTrio


def test_a_minutes_worth_may_come_at_once_and_then_one_by_one() -> None:
    limits = Limits(4, None, 100.0)
    assert [limits.begin(100.0) for _ in range(4)] == [None] * 4
    assert limits.begin(100.0) == TooMany("4 requests in a minute", 15.0)
    assert limits.begin(105.0) == TooMany("4 requests in a minute", 10.0)
    assert limits.begin(115.0) is None
    assert limits.begin(115.0) == TooMany("4 requests in a minute", 15.0)
    assert [limits.begin(1000.0) for _ in range(5)] == [None] * 4 + [TooMany("4 requests in a minute", 15.0)]
    assert limits.under_way == 9


def test_a_seat_is_held_until_the_end_and_a_refusal_takes_none() -> None:
    limits = Limits(3, 1, 0.0)
    assert limits.begin(0.0) is None
    assert [limits.begin(0.0) for _ in range(9)] == [TooMany("1 request under way at the same time", 1.0)] * 9
    limits.end(0.0, 0.0)
    assert limits.begin(0.0) is None
    limits.end(0.0, 0.0)
    assert limits.begin(0.0) is None  # the third token: what was refused took none
    limits.end(0.0, 0.0)
    assert limits.begin(0.0) == TooMany("3 requests in a minute", 20.0)
    assert limits.under_way == 0


def test_when_to_ask_for_a_seat_again_is_measured() -> None:
    limits = Limits(None, 2, 0.0)

    def told(now: float) -> float:
        assert (limits.begin(now), limits.begin(now)) == (None, None)
        refusal = limits.begin(now)
        assert refusal is not None
        assert refusal.what == "2 requests under way at the same time"
        return refusal.retry_after

    assert told(0.0) == 1.0  # Nothing is known yet.
    limits.end(0.0, 16.0)
    limits.end(0.0, 32.0)
    assert told(40.0) == 9.0  # Of 16 and 32 the mean is 18, and there are two seats.
    limits.end(40.0, 40.0 + 18.0)
    limits.end(40.0, 40.0 + 8018.0)
    assert told(9000.0) == 60.0
    for _ in range(100):
        limits.end(9000.0, 9000.5)
        assert limits.begin(9000.0) is None
    limits.end(9000.0, 9000.5)
    limits.end(9000.0, 9000.5)
    assert told(9001.0) == 1.0


def test_without_limits_all_come_in() -> None:
    limits = Limits(None, None, 0.0)
    assert {limits.begin(0.0) for _ in range(1000)} == {None}
    assert limits.under_way == 1000


@given(
    st.integers(1, 1000),
    st.lists(st.floats(0, 100), min_size=1, max_size=60),
    st.floats(0, 1e6),
)
def test_whoever_waits_as_told_is_let_in(per_minute: int, waits: list[float], now: float) -> None:
    limits = Limits(per_minute, None, now)
    start, let_in = now, 0
    for wait in waits:
        now += wait
        while (refusal := limits.begin(now)) is None and let_in < 3 * per_minute:
            let_in += 1
        if refusal is None:
            return
        assert 0 < refusal.retry_after <= 60 / per_minute + 1e-6
        now += refusal.retry_after
        assert limits.begin(now) is None
        let_in += 1
        assert let_in <= per_minute * (1 + (now - start) / 60) + 1e-3


def app_with(**limits: int) -> QuartTrio:
    unasked: Any = SimpleNamespace(cli=SimpleNamespace(demo=False), pool=Mock())
    keys = {"ada": KeySettings(hash=hash_key("a"), **limits), "bob": KeySettings(hash=hash_key("b"))}
    return create_app(unasked, Settings(server=ServerSettings(keys=keys)))


async def ask(app: QuartTrio, key: bytes) -> tuple[int, str | None, str]:
    async with open_request(app, "POST", "/v1/files", headers=[(b"x-api-key", key)]) as conversation:
        await conversation.start()
        error = orjson.loads(await conversation.read())["error"]
        return conversation.status, conversation.headers.get("retry-after"), error["message"]


async def test_the_bucket_is_filled_by_trios_clock(autojump_clock: trio.testing.MockClock) -> None:
    app = app_with(requests_per_minute=40)
    refusal = (429, "2", "this key may make no more than 40 requests in a minute")
    assert [(await ask(app, b"a"))[0] for _ in range(40)] == [404] * 40
    assert await ask(app, b"a") == refusal
    await trio.sleep(1.49)
    assert await ask(app, b"a") == (429, "1", refusal[2])
    await trio.sleep(0.01)
    assert (await ask(app, b"a"))[0] == 404
    assert await ask(app, b"a") == refusal
    assert {(await ask(app, b"b"))[0] for _ in range(100)} == {404}
    await trio.sleep(3.0)
    assert [(await ask(app, b"a"))[0] for _ in range(3)] == [404, 404, 429]
    assert autojump_clock.current_time() == 4.5
