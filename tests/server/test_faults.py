"""A child that dies, hangs or talks nonsense: its client is told so, and the next one does not notice."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest
import trio

from tests.server.proxy import Backend, Proxy, children, open_proxy

if TYPE_CHECKING:
    from tests.server.http_client import Reply

FAULTS = {
    # directive: status before the first byte, part of the message
    "die=mid_stream": (502, "the claude process exited with status 70: demo: dying, as the prompt asked"),
    "half_line": (502, "the claude process exited with status 70: demo: dying, as the prompt asked"),
    "bad_utf8": (502, "the claude process wrote a line of 26 bytes that is not JSON"),
    "garbage": (502, "the claude process wrote a line of 20 bytes that is not JSON"),
    "endless_line": (502, "the claude process wrote a line longer than 67108864 bytes"),
    "hang": (504, "the claude process gave no event within 0.3 s"),
    "freeze": (504, "the claude process gave no event within 0.3 s"),
}
KINDS = {502: "api_error", 504: "timeout_error"}
SHORT = {"first_event_timeout": 0.3, "stall_timeout": 0.3}


async def check_after(proxy: Proxy) -> None:
    """Whatever happened: the next request is answered as if nothing had, and everything comes to rest."""
    reply = await proxy.ask("well")
    assert reply.text == "Demo echo: well", reply
    await proxy.settle()


def check_broken_off(reply: Reply, status: int, message: str) -> None:
    """A stream that began, and ended with an error."""
    told, kind, text = reply.failure
    assert (told, kind) == (200, KINDS[status])
    assert message in text
    assert reply.types[0] == "message_start"
    assert "message_stop" not in reply.types
    assert reply.events[-1]["request_id"] == reply.headers["request-id"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_child_that_fails(demo: Backend, fault: str) -> None:
    status, message = FAULTS[fault]
    silent = status == 504  # else there is all the time that a busy machine may take
    async with open_proxy(demo, pool={"max_size": 1}, claude=SHORT if silent else {}) as proxy:
        for stream in (False, True):
            early = await proxy.ask(f"x [[{fault}; at=0]]", stream=stream)
            assert early.failure[:2] == (status, KINDS[status])
            assert message in early.failure[2]
            await check_after(proxy)
        whole = await proxy.ask(f"x [[{fault}; at=5]]")
        assert whole.failure[:2] == (status, KINDS[status])
        assert message in whole.failure[2]
        await check_after(proxy)
        # With a gap, so that what was said before is not in the same piece.
        check_broken_off(await proxy.ask(f"x [[{fault}; at=5; gap=0.02]]", stream=True), status, message)
        await check_after(proxy)
        statistics = proxy.statistics
        assert (statistics.created, statistics.destroyed) == (5, 4)
        assert statistics.acquired == 8


async def test_a_line_of_100_megabytes(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        reply = await proxy.ask("x [[long_line=100000000; gap=0.02]]", stream=True)
        check_broken_off(reply, 502, "the claude process wrote a line longer than 67108864 bytes")
        await check_after(proxy)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_child_that_dies_before_it_says_anything(demo: Backend, stream: bool) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        reply = await proxy.ask("x [[die=before_first]]", stream=stream)
        assert reply.failure[:2] == (502, "api_error")
        assert "exited with status 70" in reply.failure[2]
        await check_after(proxy)


async def test_a_child_that_dies_when_it_has_said_all(demo: Backend) -> None:
    """Its death and the rewind after the answer meet in any order."""
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for number in range(10):
            reply = await proxy.ask("x [[die=after_result]]", stream=number % 2 == 0)
            assert reply.text == "Demo echo: x"
            await check_after(proxy)


@pytest.mark.parametrize("fault", ["wrong_id", "no_rewind"])
async def test_an_answer_is_good_though_its_child_is_not_used_again(demo: Backend, fault: str) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        for stream in (False, True):
            reply = await proxy.ask(f"x [[{fault}]]", stream=stream)
            assert reply.text == "Demo echo: x"
            await proxy.until(lambda now: now.destroyed > 0)
            await check_after(proxy)
        assert proxy.statistics.created == 3


@pytest.mark.parametrize("oddity", ["flood_stderr=5000000", "long_line=30000000"])
async def test_a_child_that_is_only_odd_is_used_again(demo: Backend, oddity: str) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        reply = await proxy.ask(f"x [[{oddity}]]", stream=True)
        assert reply.text == "Demo echo: x"
        await check_after(proxy)
        assert proxy.statistics.created == 1


async def test_a_turn_that_takes_too_long(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}, claude={"turn_timeout": 0.5}) as proxy:
        reply = await proxy.ask("x [[deltas=100; gap=0.1]]", stream=True)
        check_broken_off(reply, 504, "the claude process gave no whole answer within 0.5 s")
        await check_after(proxy)


async def test_a_child_that_outlives_what_it_can(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}, claude=SHORT) as proxy:
        reply = await proxy.ask("x [[ignore_term; hang; at=5]]", stream=True)
        check_broken_off(reply, 504, "no event within")
        await check_after(proxy)


@pytest.mark.parametrize("number", [signal.SIGSTOP, signal.SIGKILL])
@pytest.mark.parametrize("turns", [1, 3], ids=["prompt", "history"])
async def test_a_request_that_meets_a_child_that_failed_at_rest(
    backend: Backend, number: signal.Signals, turns: int
) -> None:
    """Nothing went upstream, so another instance is asked, and nothing is asked twice."""
    async with open_proxy(backend, pool={"max_size": 1}, claude={"control_timeout": 1.0}) as proxy:
        prompt = [{"role": "assistant" if n % 2 else "user", "content": "met"} for n in range(turns)]
        await proxy.settle()
        async with proxy.open(prompt, stream=turns == 1) as exchange:
            for pid in children():
                os.kill(pid, number)
            assert (await exchange.read()).text == "Demo echo: met"
        await proxy.until(lambda now: now.destroyed == 1)
        await check_after(proxy)
        assert proxy.api is None or len(proxy.upstream) == 2


async def test_a_child_that_was_but_frozen_is_gone_before_another_is_asked(demo: Backend) -> None:
    """It would find the request in its pipe when it goes on, and have it answered a second time."""
    async with open_proxy(demo, pool={"min_size": 2}, claude={"control_timeout": 1.0}) as proxy:
        await proxy.settle()
        both = children()
        for pid in both:
            os.kill(pid, signal.SIGSTOP)
        async with proxy.open("met") as exchange:
            await proxy.until(lambda now: now.in_use == 1)
            (met,) = (one.value for one in proxy.claude.pool.resources() if one.state == "in_use")
            assert met is not None
            (other,) = both - {met.pid}
            os.kill(other, signal.SIGCONT)
            assert (await exchange.read()).text == "Demo echo: met"
            assert met.pid not in children()


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        ("die=before_init", 502, "exited with status 70"),
        ("freeze=before_init", 504, "gave no sign that it takes up the turn within 0.5 s"),
    ],
)
async def test_another_is_asked_once(demo: Backend, fault: str, status: int, message: str) -> None:
    async with open_proxy(demo, pool={"max_size": 2}, claude={"control_timeout": 0.5}) as proxy:
        for stream in (False, True):
            reply = await proxy.ask(f"x [[{fault}]]", stream=stream)
            assert reply.failure[:2] == (status, KINDS[status])
            assert message in reply.failure[2]
            await check_after(proxy)
        statistics = proxy.statistics
        assert (statistics.acquired, statistics.destroyed) == (6, 4)


async def test_a_child_stopped_at_rest_is_replaced_by_the_check(demo: Backend) -> None:
    pool = {"max_size": 1, "health_check_interval": 0.2, "check_timeout": 0.3}
    async with open_proxy(demo, pool=pool) as proxy:
        await proxy.settle()
        (pid,) = children()
        os.kill(pid, signal.SIGSTOP)
        await proxy.until(lambda now: (now.check_failures, now.destroyed) == (1, 1))
        assert (await proxy.get("/pool/stats")).json["stats"]["health_check_failures"] == 1
        await check_after(proxy)
        assert pid not in children()


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [(signal.SIGSTOP, 504, "no event within 1 s"), (signal.SIGKILL, 502, "exited with status -9")],
)
async def test_a_child_that_is_shot_in_mid_stream(
    backend: Backend, number: signal.Signals, status: int, message: str
) -> None:
    async with open_proxy(backend, pool={"max_size": 1}, claude={"stall_timeout": 1.0}) as proxy:
        await proxy.settle()
        (pid,) = children()
        async with proxy.open("x [[deltas=100; gap=0.1]]", stream=True) as exchange:
            await exchange.until("content_block_delta")
            os.kill(pid, number)
            rest = await exchange.read()
        assert "message_stop" not in rest.body.decode()
        assert rest.failure[:2] == (200, KINDS[status])
        assert message in rest.failure[2]
        await check_after(proxy)
        assert proxy.api is None or len(proxy.upstream) == 2


async def test_children_that_die_at_rest_are_replaced_unseen(demo: Backend) -> None:
    async with open_proxy(demo, pool={"min_size": 2, "max_size": 3}) as proxy:
        for number in range(1, 6):
            await proxy.settle()
            for pid in children():
                os.kill(pid, signal.SIGKILL)
            await proxy.until(lambda now: now.destroyed == 2 * number)  # noqa: B023 -- awaited in this round
            assert (await proxy.ask("well")).text == "Demo echo: well"


async def test_faults_at_once_do_not_touch_each_other(demo: Backend) -> None:
    prompts = [f"{fault}; at={at}" for fault in FAULTS if fault != "endless_line" for at in (0, 5)] * 2
    async with open_proxy(demo, pool={"max_size": 4}, claude=SHORT) as proxy:
        good: list[str] = []

        async def fail(directive: str) -> None:
            reply = await proxy.ask(f"x [[{directive}]]", stream=True)
            assert reply.failure[1] in ("api_error", "timeout_error"), (directive, reply)
            assert "message_stop" not in reply.body.decode()

        async def succeed(number: int) -> None:
            good.append((await proxy.ask(f"number {number} [[gap=0.01]]", stream=number % 2 == 0)).text)

        async with trio.open_nursery() as nursery:
            for number, directive in enumerate(prompts):
                nursery.start_soon(fail, directive)
                nursery.start_soon(succeed, number)
        assert sorted(good) == sorted(f"Demo echo: number {number}" for number in range(len(prompts)))
        await check_after(proxy)
