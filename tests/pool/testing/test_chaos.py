"""Chaos cancels what is registered, at any checkpoint, and at the same ones with the same seed."""

from __future__ import annotations

import math
from collections import deque

import pytest
import trio

from ccproxy_trio.pool.testing import Chaos, open_chaos, run_seeded


async def strikes(seed: int) -> list[tuple[float, int, int]]:
    """When each of four was cancelled, and after how many checkpoints of that moment."""
    seen: list[tuple[float, int, int]] = []

    async def victim(number: int, chaos: Chaos) -> None:
        for _ in range(10):
            count = 0
            with trio.CancelScope() as scope, chaos.register(scope):
                while True:
                    for count in range(20):  # noqa: B007 -- it is looked at after the cancellation
                        await trio.lowlevel.checkpoint()
                    await trio.sleep(1)
            seen.append((trio.current_time(), number, count))

    async with open_chaos(seed) as chaos, trio.open_nursery() as nursery:
        for number in range(4):
            nursery.start_soon(victim, number, chaos)
    assert chaos.cancelled == 40
    return seen


def test_it_strikes_anybody_after_any_number_of_checkpoints() -> None:
    seen = run_seeded(strikes, 1)
    assert {number for _, number, _ in seen} == {0, 1, 2, 3}
    assert len({count for _, _, count in seen}) > 4


def test_the_same_seed_strikes_in_the_same_places() -> None:
    assert run_seeded(strikes, 1) == run_seeded(strikes, 1) != run_seeded(strikes, 2)


async def lost(seed: int, chaos_too: bool) -> int:
    """How many tokens are lost by a queue that hands over in one step and gives back in another."""
    tokens, waiting = deque([1, 2]), deque[trio.Event]()

    async def borrow() -> None:
        if not tokens:
            event = trio.Event()
            waiting.append(event)
            await event.wait()
        token = tokens.popleft() if tokens else 0
        await trio.lowlevel.checkpoint()  # Where it can be lost: nothing gives it back yet.
        try:
            await trio.sleep(1)
        finally:
            if token:
                tokens.append(token)
            if waiting:
                waiting.popleft().set()

    async def client(chaos: Chaos) -> None:
        for _ in range(10):
            with trio.move_on_after(1.5) as scope, chaos.register(scope) if chaos_too else trio.CancelScope():
                await borrow()

    async with open_chaos(seed) as chaos, trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(client, chaos)
    return 2 - len(tokens)


def test_it_finds_what_deadlines_do_not() -> None:
    assert [run_seeded(lost, seed, False, seed=seed) for seed in range(10)] == [0] * 10
    assert sum(run_seeded(lost, seed, True, seed=seed) for seed in range(10)) > 0


def test_what_is_not_registered_any_more_is_left_alone() -> None:
    async def main() -> None:
        async with open_chaos(1) as chaos:
            with trio.CancelScope() as scope:
                with chaos.register(scope):
                    pass
                await trio.sleep(100)
            assert not scope.cancel_called
            assert chaos.cancelled == 0

    run_seeded(main)


def test_it_runs_in_a_nursery_too() -> None:
    async def main() -> float:
        chaos = Chaos(1, checkpoints=0, pauses=(5,))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(chaos.run)
            with trio.CancelScope() as scope, chaos.register(scope) as same:
                assert same is scope
                await trio.sleep_forever()
            nursery.cancel_scope.cancel()
        return trio.current_time()

    assert run_seeded(main) == 5


def test_an_exception_of_the_body_comes_out_as_it_is() -> None:
    async def main() -> None:
        with pytest.raises(KeyError):
            async with open_chaos(1):
                raise KeyError
        with trio.move_on_after(3) as scope:
            async with open_chaos(1):
                await trio.sleep_forever()
        assert scope.cancelled_caught

    run_seeded(main)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"checkpoints": -1}, "checkpoints = -1: must be 0 or more"),
        ({"pauses": ()}, r"pauses = \(\): must be seconds"),
        ({"pauses": (0, 0)}, "one of them above 0"),
        ({"pauses": (-1, 1)}, "must be seconds, 0 or more"),
        ({"pauses": (math.nan,)}, "must be seconds"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Chaos(1, **settings)
