"""The same seed gives the same run, and nothing stays behind."""

from __future__ import annotations

import random

import pytest
import trio
import trio._core._run as scheduler

from ccproxy_trio.pool.testing import run_seeded, seeded_scheduler


async def race() -> list[tuple[float, int]]:
    """Who comes when, of eight that wake at the same moments."""
    seen: list[tuple[float, int]] = []

    async def runner(number: int) -> None:
        for _ in range(3):
            await trio.sleep(1)
            seen.append((trio.current_time(), number))

    async with trio.open_nursery() as nursery:
        for number in range(8):
            nursery.start_soon(runner, number)
    return seen


def test_the_mock_clock_alone_is_not_deterministic() -> None:
    with seeded_scheduler(1):
        runs = [trio.run(race, clock=trio.testing.MockClock(autojump_threshold=0)) for _ in range(5)]
    assert len({tuple(run) for run in runs}) > 1
    assert all(sorted(run) == sorted(runs[0]) for run in runs)


def test_a_seed_makes_it_so() -> None:
    runs = [run_seeded(race, seed=seed) for seed in (1, 2, 1, 2)]
    assert runs[0] == runs[2] != runs[1] == runs[3]


def test_random_is_seeded_too() -> None:
    async def draw() -> float:
        await trio.lowlevel.checkpoint()
        return random.random()

    assert run_seeded(draw, seed=3) == run_seeded(draw, seed=3) != run_seeded(draw, seed=4)


def test_all_is_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", False)
    dice, chance = scheduler._r.getstate(), random.getstate()

    def fail() -> None:
        with seeded_scheduler(1):
            assert scheduler._ALLOW_DETERMINISTIC_SCHEDULING
            with seeded_scheduler(2):
                inner = scheduler._r.random()
            assert scheduler._r.random() != inner
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not scheduler._ALLOW_DETERMINISTIC_SCHEDULING
    assert (scheduler._r.getstate(), random.getstate()) == (dice, chance)


def test_it_can_be_used_within_a_run() -> None:
    async def main() -> None:
        with seeded_scheduler(1):
            first = await race()
        with seeded_scheduler(1):
            again = await race()
        start = again[0][0] - first[0][0]
        assert [(time + start, number) for time, number in first] == again

    run_seeded(main)


@pytest.mark.parametrize("name", ["_r", "_ALLOW_DETERMINISTIC_SCHEDULING"])
def test_a_trio_that_has_changed_is_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    with monkeypatch.context() as patch:
        patch.delattr(scheduler, name)
        with pytest.raises(RuntimeError, match=rf"^trio {trio.__version__} has changed inside"):
            seeded_scheduler(1).__enter__()


def test_a_run_starts_at_0_takes_arguments_and_returns() -> None:
    async def main(seconds: float, *words: str) -> tuple[float, str]:
        assert trio.current_time() == 0
        await trio.sleep(seconds)
        return trio.current_time(), "-".join(words)

    assert run_seeded(main, 1000.0, "a", "b") == (1000, "a-b")


def test_an_error_says_the_seed() -> None:
    async def main() -> None:
        raise KeyError

    with pytest.raises(KeyError) as caught:
        run_seeded(main, seed=11)
    assert caught.value.__notes__ == ["seed 11"]
