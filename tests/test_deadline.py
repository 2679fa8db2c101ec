"""One deadline for all that a request waits for, to the moment: the line, the start, the preparation, the answer.

Whatever it cuts short, the instance serves the next request, and nothing is asked twice.
"""

from __future__ import annotations

import math
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
import trio.testing

from ccproxy_trio.claude.errors import InstanceSilent, OutOfTime
from ccproxy_trio.claude.instance import Timeouts
from ccproxy_trio.claude.locate import locate_cli
from ccproxy_trio.claude.stages import Stages
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.pool import PoolTimeout
from ccproxy_trio.settings import ClaudeSettings, PoolSettings, Settings
from tests.claude.in_memory import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from trio.testing import MockClock

    from ccproxy_trio.claude.answer import Answer
    from ccproxy_trio.claude_pool import ClaudePool

ENVIRON = {"PATH": os.environ["PATH"]}
CLI = locate_cli("", "auto", ENVIRON, demo=True)
POOL = PoolSettings(min_size=0, max_size=1, acquire_timeout=50.0, health_check_interval=math.inf)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Instances in memory; a start takes two seconds."""
    world = World()
    world.start = 2.0
    world.put_in_place(monkeypatch)
    return world


@asynccontextmanager
async def open_memory_pool(**changes: Any) -> AsyncIterator[ClaudePool]:
    pool = attrs.evolve(POOL, **changes)
    settings = Settings(claude=ClaudeSettings(demo=True), pool_settings=pool)
    async with open_claude_pool(settings, cli=CLI, environ=ENVIRON) as claude:
        yield claude


def asking(text: str, *history: str) -> dict[str, Any]:
    roles = ("user", "assistant")
    said = [{"role": roles[n % 2], "content": content} for n, content in enumerate((*history, text))]
    return {"model": "sonnet", "max_tokens": 100, "messages": said}


async def check_well(claude: ClaudePool, created: int = 1) -> None:
    """The next request is answered, and there were no more instances."""
    message = await claude.ask(asking("next"))
    assert message["content"][0]["text"] == "Demo echo: next"
    while not claude.pool.statistics().idle:  # noqa: ASYNC110 -- nobody tells of it
        await trio.sleep(0.25)
    statistics = claude.pool.statistics()
    assert (statistics.created, statistics.total, statistics.waiting) == (created, 1, 0)


async def late(call: Callable[[], Awaitable[object]], after: float) -> str:
    """What was under way when time ran out, `after` so many seconds."""
    start = trio.current_time()
    with pytest.raises(OutOfTime) as caught:
        await call()
    assert trio.current_time() - start == pytest.approx(after, abs=1e-6)
    return caught.value.meanwhile


def within(claude: ClaudePool, seconds: float, *said: str) -> Callable[[], Awaitable[object]]:
    return lambda: claude.ask(asking(*said), deadline=trio.current_time() + seconds)


WAITING = "it waited for an instance"
PREPARING = "its conversation was prepared"
ANSWERING = "it was answered"
SENDING = "its answer was sent to a client that takes it slowly"


async def test_in_the_line(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude, claude.stream(asking("first [[hang]]")):
        assert await late(within(claude, 7.0, "late"), 7.0) == WAITING
        statistics = claude.pool.statistics()
        assert (statistics.acquire_timeouts, statistics.waiting, statistics.in_use) == (1, 0, 1)
    assert world.prompts("late") == 0


async def test_the_limit_of_waiting_counts_where_it_is_shorter(
    world: World, autojump_clock: MockClock
) -> None:
    async with open_memory_pool() as claude, claude.stream(asking("first [[hang]]")):
        start = trio.current_time()
        for seconds in (50.0, 51.0, math.inf):
            with pytest.raises(PoolTimeout):
                await claude.ask(asking("late"), deadline=trio.current_time() + seconds)
        assert trio.current_time() - start == pytest.approx(150.0)


async def test_in_a_start(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude:
        assert await late(within(claude, 1.5, "late"), 1.5) == WAITING
        await check_well(claude)
        assert world.prompts("late") == 0


@pytest.mark.parametrize("seconds", [0.0, -1.0, -math.inf])
async def test_too_late_already(world: World, autojump_clock: MockClock, seconds: float) -> None:
    async with open_memory_pool() as claude:
        await check_well(claude)
        assert await late(within(claude, seconds, "late"), 0.0) == WAITING
        assert await late(lambda: claude.count_tokens(count("late"), deadline=seconds), 0.0) == WAITING
        assert await late(lambda: claude.list_models(deadline=seconds), 0.0) == WAITING
        assert claude.pool.statistics().acquired == 1
        assert world.prompts("late") == 0


async def test_while_the_history_is_fed(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude:
        await check_well(claude)
        world.lag = 3.0
        history = ["a", "b"] * 10
        assert await late(within(claude, 20.0, "late", *history[:-1], "b"), 20.0) == PREPARING
        world.lag = 0.0
        assert world.prompts("late") == 0
        await check_well(claude)


async def test_of_two_limits_the_first_counts(world: World, autojump_clock: MockClock) -> None:
    world.timeouts = Timeouts(control=10.0, first_event=30.0, stall=30.0, turn=60.0)
    async with open_memory_pool() as claude:
        await check_well(claude)
        world.lag = 20.0
        assert await late(within(claude, 9.0, "late"), 9.0) == PREPARING
        world.lag = 0.0
        await check_well(claude)
        with pytest.raises(InstanceSilent, match="no event within 30 s"):
            await claude.ask(asking("[[hang]]"), deadline=trio.current_time() + 31.0)
        await check_well(claude, 2)
        assert await late(within(claude, 29.0, "late [[hang]]"), 29.0) == ANSWERING
        with pytest.raises(InstanceSilent, match="no whole answer within 60 s"):
            await claude.ask(asking("[[deltas=10; gap=10]]"), deadline=trio.current_time() + 61.0)
        assert await late(within(claude, 59.0, "late [[deltas=10; gap=10]]"), 59.0) == ANSWERING
        await check_well(claude, 3)


async def test_in_the_line_for_another_instance(world: World, autojump_clock: MockClock) -> None:
    """The first that it got took nothing up, and was killed for it."""
    world.timeouts = Timeouts(control=10.0)
    async with open_memory_pool() as claude:
        await check_well(claude)
        world.start, world.lag = 100.0, 3600.0
        stages, start = Stages(), trio.current_time()
        with pytest.raises(OutOfTime, match=WAITING):
            await claude.ask(asking("late"), deadline=start + 25.0, stages=stages)
        assert stages.spans() == [("queue", start, start + 25.0)]


@pytest.mark.parametrize("prompt", ["late [[delay=30]]", "late [[hang]]", "late [[deltas=90; gap=1]]"])
async def test_in_an_answer(world: World, autojump_clock: MockClock, prompt: str) -> None:
    async with open_memory_pool() as claude:
        await check_well(claude)
        assert await late(within(claude, 12.0, prompt), 12.0) == ANSWERING
        assert world.prompts("late") == 1
        await check_well(claude)


def count(text: str) -> dict[str, Any]:
    return {"model": "sonnet", "system": "s", "messages": [{"role": "user", "content": text}]}


@pytest.mark.parametrize("inquiry", ["count", "models", "model"])
async def test_in_an_inquiry(world: World, autojump_clock: MockClock, inquiry: str) -> None:
    async with open_memory_pool() as claude:
        await check_well(claude)
        world.lag = 3.0

        async def inquire(deadline: float) -> object:
            if inquiry == "count":
                return await claude.count_tokens(count("late"), deadline=deadline)
            if inquiry == "models":
                return await claude.list_models(deadline=deadline)
            return await claude.find_model("late", deadline=deadline)

        assert await late(lambda: inquire(trio.current_time() + 4.0), 4.0) == ANSWERING
        world.lag = 0.0
        await inquire(trio.current_time() + 40.0)
        await check_well(claude)


async def test_an_answer_in_time_is_whole(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude:
        for seconds in (100.0, math.inf):
            message = await claude.ask(
                asking("in time [[deltas=9; gap=9]]"), deadline=trio.current_time() + seconds
            )
            assert message["content"][0]["text"] == "Demo echo: in time"


async def test_nobody_reads_at_the_deadline(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude:
        async with claude.stream(asking("first [[deltas=90; gap=1]]")) as answer:
            assert (await answer.receive())[0]["type"] == "message_start"
            await answer.give_up()
            await check_well(claude)
            for _ in range(2):
                with pytest.raises(OutOfTime) as caught:
                    await answer.receive()
                assert caught.value.meanwhile == SENDING
            assert answer.request_id is None
            async with claude.stream(asking("second")):
                await answer.give_up()
                assert claude.pool.statistics().in_use == 1
        await check_well(claude)


async def test_somebody_reads_at_the_deadline(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude:
        start = trio.current_time()
        async with claude.stream(asking("[[hang]]"), deadline=start + 12.0) as answer:
            while await no_longer_than(5.0, answer):
                pass
            async with trio.open_nursery() as nursery:
                nursery.start_soon(late, answer.receive, start + 12.0 - trio.current_time())
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(answer.give_up)
                await trio.testing.wait_all_tasks_blocked()
                assert claude.pool.statistics().in_use == 1
            assert claude.pool.statistics().in_use == 0
        await check_well(claude)


async def test_a_read_that_is_cancelled_at_the_deadline(world: World, autojump_clock: MockClock) -> None:
    """As by a ping that is due at that very moment; and then nobody reads any more."""
    async with open_memory_pool() as claude:
        end = trio.current_time() + 12.0
        async with claude.stream(asking("[[hang]]"), deadline=end) as answer, trio.open_nursery() as nursery:
            nursery.start_soon(give_up_at, end, answer)
            with trio.move_on_at(end):
                while await answer.receive():
                    pass
            await check_well(claude)
            with pytest.raises(OutOfTime):
                await answer.receive()


async def give_up_at(time: float, answer: Answer) -> None:
    await trio.sleep_until(time)
    await answer.give_up()


async def test_the_last_events_come_with_the_deadline(world: World, autojump_clock: MockClock) -> None:
    """They are read, and the instance is given back all the same."""
    async with open_memory_pool() as claude:
        async with claude.stream(asking("[[deltas=2; gap=5]]")) as answer:
            while await no_longer_than(4.0, answer):
                pass
            async with trio.open_nursery() as nursery:
                nursery.start_soon(answer.receive)
                await trio.testing.wait_all_tasks_blocked()
                nursery.start_soon(answer.give_up)
                await trio.testing.wait_all_tasks_blocked()
                assert claude.pool.statistics().in_use == 1
            assert claude.pool.statistics().in_use == 0
            with pytest.raises(OutOfTime):
                await answer.receive()
        await check_well(claude)


async def test_an_answer_that_was_read_to_its_end_is_whole(world: World, autojump_clock: MockClock) -> None:
    async with open_memory_pool() as claude, claude.stream(asking("x")) as answer:
        while (await answer.receive())[-1]["type"] != "message_stop":
            pass
        await answer.give_up()
        assert await answer.receive() == []
        await check_well(claude)


async def test_events_that_have_come_are_told_after_the_deadline(
    world: World, autojump_clock: MockClock
) -> None:
    async with open_memory_pool() as claude, claude.stream(asking("x")) as answer:
        kinds = [(await anext(answer))["type"]]
        async for event in answer:
            kinds.append(event["type"])
            if kinds[-1] == "content_block_delta":
                await answer.give_up()
        assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
        await check_well(claude)


async def no_longer_than(seconds: float, answer: Answer) -> list[dict[str, Any]]:
    """The next events, or none if they take longer."""
    with trio.move_on_after(seconds):
        return await answer.receive()
    return []


async def test_who_asks_is_told_to_the_pool(
    world: World, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_memory_pool() as claude:
        tenants: list[object] = []
        acquire = claude.pool.acquire

        def note(*args: Any, **options: Any) -> object:
            tenants.append(options["tenant"])
            return acquire(*args, **options)

        monkeypatch.setattr(claude.pool, "acquire", note)
        await claude.ask(asking("x"), tenant="a")
        await claude.ask(asking("x"))
        await claude.count_tokens(count("x"), tenant="b")
        await claude.find_model("x", tenant="c")
        assert tenants == ["a", None, "b", "c"]
