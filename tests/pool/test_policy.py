"""The rules as tables: no trio, no clock."""

from __future__ import annotations

import dataclasses
import math

import pytest

from ccproxy_trio.pool import RetireReason
from ccproxy_trio.pool._policy import (
    Backoff,
    Census,
    Step,
    best_fit,
    expiry,
    hopeless,
    idle_end,
    lease_time,
    needs_check,
    next_step,
    replaces_for_overtaken,
    starts_needed,
    still_wanted,
    takes_place,
    turn,
    why_retire,
)

QUIET = Census(
    min_size=2,
    max_size=4,
    min_fresh=0,
    max_starting=2,
    starting=0,
    alive=2,
    retiring=0,
    fresh=0,
    waiting=0,
    upkeep=True,
    failing=False,
    pausing=False,
)


@pytest.mark.parametrize(
    ("changes", "need", "step"),
    [
        ({}, 0, Step.REST),
        # min_size
        ({"alive": 0}, 2, Step.START),
        ({"alive": 0, "starting": 1}, 1, Step.START),
        ({"alive": 0, "starting": 2}, 0, Step.REST),
        ({"alive": 1, "retiring": 3}, 1, Step.REST),
        ({"alive": 0, "upkeep": False}, 0, Step.REST),
        # waiters
        ({"waiting": 1}, 1, Step.START),
        ({"waiting": 1, "starting": 1}, 0, Step.REST),
        ({"waiting": 3, "starting": 1}, 2, Step.START),
        ({"waiting": 3, "starting": 2}, 1, Step.REST),
        ({"waiting": 1, "upkeep": False, "alive": 0}, 1, Step.START),
        # a full pool: make room, unless some is coming
        ({"waiting": 1, "alive": 4}, 1, Step.EVICT),
        ({"waiting": 1, "alive": 3, "retiring": 1}, 1, Step.REST),
        ({"waiting": 2, "alive": 3, "retiring": 1}, 2, Step.EVICT),
        ({"waiting": 3, "alive": 2, "retiring": 2}, 3, Step.REST),
        ({"waiting": 1, "alive": 6}, 1, Step.EVICT),
        # min_fresh
        ({"min_fresh": 1}, 1, Step.START),
        ({"min_fresh": 1, "fresh": 1}, 0, Step.REST),
        ({"min_fresh": 1, "starting": 1}, 0, Step.REST),
        ({"min_fresh": 1, "starting": 1, "waiting": 1}, 1, Step.START),
        ({"min_fresh": 1, "alive": 4}, 1, Step.EVICT),
        ({"min_fresh": 1, "upkeep": False}, 0, Step.REST),
        # a failing factory: not at all during the pause, one at a time after it
        ({"waiting": 2, "failing": True, "pausing": True}, 2, Step.REST),
        ({"waiting": 2, "failing": True}, 2, Step.START),
        ({"waiting": 2, "failing": True, "starting": 1}, 1, Step.REST),
        ({"waiting": 1, "alive": 4, "failing": True, "pausing": True}, 1, Step.REST),
    ],
)
def test_next_step(changes: dict[str, int], need: int, step: Step) -> None:
    census = dataclasses.replace(QUIET, **changes)
    assert starts_needed(census) == need
    assert next_step(census) is step


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"starting": 1, "waiting": 1}, True),
        ({"starting": 1}, False),
        ({"starting": 2, "waiting": 1}, False),
        ({"starting": 1, "alive": 1}, True),
        ({"starting": 1, "waiting": 1, "pausing": True}, False),
        ({"starting": 1, "waiting": 1, "alive": 4}, False),
    ],
)
def test_a_creation_is_looked_at_again_before_it_begins(changes: dict[str, int], wanted: bool) -> None:
    assert still_wanted(dataclasses.replace(QUIET, **changes)) is wanted


@pytest.mark.parametrize(
    ("waiting", "changes", "refused"),
    [
        (3, {"alive": 0, "pausing": True}, 3),
        (3, {"alive": 0, "pausing": True, "starting": 1}, 2),
        (1, {"alive": 0, "pausing": True, "starting": 1}, 0),
        (3, {"alive": 1, "pausing": True}, 0),
        (3, {"alive": 0}, 0),
    ],
)
def test_hopeless(waiting: int, changes: dict[str, int], refused: int) -> None:
    assert hopeless(waiting, dataclasses.replace(QUIET, **changes)) == refused


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"closing": True, "outdated": True}, RetireReason.CLOSING),
        ({"outdated": True, "uses": 9}, RetireReason.REPLACED),
        ({"uses": 4}, None),
        ({"uses": 5}, RetireReason.USES),
        ({"uses": 1, "max_uses": 1}, RetireReason.USES),
        ({"now": 99.9}, None),
        ({"now": 100.0}, RetireReason.LIFETIME),
        ({"surplus": True}, RetireReason.SHRUNK),
    ],
)
def test_why_retire(changes: dict[str, float], reason: RetireReason | None) -> None:
    facts = {
        "closing": False,
        "outdated": False,
        "surplus": False,
        "uses": 1,
        "max_uses": 5,
        "now": 0.0,
        "expires": 100.0,
    }
    assert why_retire(**{**facts, **changes}) is reason


@pytest.mark.parametrize(
    ("alive", "is_fresh", "fresh", "min_fresh", "end"),
    [
        (3, False, 0, 0, 310.0),
        (2, False, 0, 0, math.inf),
        (3, True, 1, 0, 310.0),
        (3, True, 1, 1, math.inf),
        (3, True, 2, 1, 310.0),
        (3, False, 1, 1, 310.0),
    ],
)
def test_idle_end(alive: int, is_fresh: bool, fresh: int, min_fresh: int, end: float) -> None:
    assert (
        idle_end(
            since=10.0,
            idle_timeout=300.0,
            alive=alive,
            min_size=2,
            is_fresh=is_fresh,
            fresh=fresh,
            min_fresh=min_fresh,
        )
        == end
    )


def test_backoff_doubles_up_to_the_most_and_starts_again_after_a_success() -> None:
    backoff = Backoff(0.5, 3.0)
    assert not backoff.failing
    now, pauses = 100.0, []
    for _ in range(5):
        backoff = backoff.failed(now)
        assert backoff.failing
        assert backoff.pausing(now)
        pauses.append(backoff.until - now)
        now = backoff.until
        assert not backoff.pausing(now)
    assert pauses == [0.5, 1.0, 2.0, 3.0, 3.0]
    assert backoff.succeeded() == Backoff(0.5, 3.0)


def test_failures_of_one_volley_count_once() -> None:
    once = Backoff(0.5, 3.0).failed(10.0)
    assert once.failed(10.0) == once
    assert once.failed(10.4) == once
    assert once.failed(10.5).delay == 1.0


@pytest.mark.parametrize(
    ("scores", "best"),
    [([], None), ([None], None), ([0], 0), ([None, -3], 1), ([1, 2, 2], 1), ([2, 1, 2], 0)],
)
def test_best_fit(scores: list[int | None], best: int | None) -> None:
    assert best_fit(scores) == best


def test_needs_check() -> None:
    assert not needs_check(now=39.9, seen_well=10.0, check_after_idle=30.0)
    assert needs_check(now=40.0, seen_well=10.0, check_after_idle=30.0)
    assert needs_check(now=10.0, seen_well=10.0, check_after_idle=0.0)
    assert not needs_check(now=1e9, seen_well=10.0, check_after_idle=math.inf)


@pytest.mark.parametrize(
    ("overtaken_for", "changes", "replaces"),
    [
        (1.0, {"alive": 4}, True),
        (0.9, {"alive": 4}, False),
        (1.0, {"alive": 3}, False),
        (1.0, {"alive": 3, "starting": 1}, False),
        (1.0, {"alive": 3, "retiring": 1}, False),
        (1.0, {"alive": 4, "pausing": True}, False),
    ],
)
def test_replaces_for_overtaken(overtaken_for: float, changes: dict[str, int], replaces: bool) -> None:
    census = dataclasses.replace(QUIET, **changes)
    assert replaces_for_overtaken(overtaken_for=overtaken_for, overtake_limit=1.0, census=census) is replaces


def test_expiry() -> None:
    assert expiry(born=10.0, max_lifetime=100.0, jitter=0.0, chance=0.7) == 110.0
    assert expiry(born=10.0, max_lifetime=100.0, jitter=0.5, chance=0.5) == 85.0
    assert expiry(born=10.0, max_lifetime=math.inf, jitter=0.5, chance=0.5) == math.inf


def test_whoever_has_least_comes_first_and_of_equals_whoever_was_served_longest_ago() -> None:
    tenants = {"idle": (0, 9), "new": (0, 0), "one": (1, 1), "two": (2, 0), "other": (1, 8)}
    turns = {name: turn(leases=leases, last_served=last) for name, (leases, last) in tenants.items()}
    assert sorted(tenants, key=turns.__getitem__) == ["new", "idle", "one", "other", "two"]


@pytest.mark.parametrize(
    ("mine", "most", "sooner", "takes"),
    [
        (0, 9, False, True),
        (7, 9, False, True),
        (8, 9, True, False),
        (9, 9, True, False),
        (0, 1, True, True),
        (0, 1, False, False),
        (1, 1, True, False),
        (1, 2, True, False),
    ],
)
def test_a_full_line_is_shared(mine: int, most: int, sooner: bool, takes: bool) -> None:
    assert takes_place(mine=mine, most=most, sooner=sooner) is takes


def test_of_the_mean_the_latest_lease_is_an_eighth() -> None:
    assert lease_time(None, 3.0) == 3.0
    assert lease_time(8.0, 16.0) == 9.0
    assert lease_time(9.0, 1.0) == 8.0
