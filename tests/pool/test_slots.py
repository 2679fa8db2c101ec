"""The life of a slot: what the table forbids is refused, and everything it allows is needed."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, get_args

import pytest
import trio

from ccproxy_trio.pool import Pool, PoolConfig, open_pool
from ccproxy_trio.pool._slots import FIRST, MOVES, Roster, Slot
from ccproxy_trio.pool._stats import State
from tests.pool.workshop import Workshop, error, slow

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from tests.pool.workshop import Thing

STATES: tuple[State, ...] = get_args(State)
FORBIDDEN = [(before, after) for before in STATES for after in STATES if after not in MOVES[before]]
ALLOWED = [(before, after) for before in STATES for after in STATES if after in MOVES[before]]
WAYS: dict[State, list[State]] = {
    "starting": [],
    "idle": ["idle"],
    "in_use": ["in_use"],
    "checking": ["idle", "checking"],
    "resetting": ["in_use", "resetting"],
    "retiring": ["retiring"],
    "gone": ["gone"],
}


def change(roster: Roster[object], slot: Slot[object], state: State) -> None:
    if state == "gone":
        roster.remove(slot)
    else:
        roster.move(slot, state)


def put(roster: Roster[object], state: State) -> Slot[object]:
    slot = roster.add(0, 0.0)
    for step in WAYS[state]:
        change(roster, slot, step)
    return slot


def numbers(roster: Roster[object]) -> tuple[object, ...]:
    return (
        dict(roster.by_state()),
        *(roster.starting, roster.alive, roster.retiring, roster.fresh),
        *(list(roster.slots), list(roster.resting)),
    )


def test_the_table_has_a_row_for_each_state_and_every_life_ends() -> None:
    assert set(MOVES) == set(STATES)
    assert Slot(1, 0, 0.0).state == FIRST
    for state in STATES:
        reached: set[State] = set()
        ahead = {state}
        while ahead:
            reached |= ahead
            ahead = {after for before in ahead for after in MOVES[before]} - reached
        assert "gone" in reached
    assert not MOVES["gone"]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError, match="does not support item assignment"):
        MOVES["gone"] = frozenset({"idle"})  # type: ignore[index]  # it is what is tested


@pytest.mark.parametrize(("before", "after"), FORBIDDEN, ids=lambda state: state)
def test_a_move_that_the_table_forbids_is_refused_and_changes_nothing(before: State, after: State) -> None:
    roster: Roster[object] = Roster()
    slot = put(roster, before)
    unchanged = numbers(roster)
    with pytest.raises(RuntimeError, match=f"slot 1 cannot go from {before} to {after}"):
        change(roster, slot, after)
    assert slot.state == before
    assert numbers(roster) == unchanged


@pytest.mark.parametrize("uses", [0, 1])
@pytest.mark.parametrize(("before", "after"), ALLOWED, ids=lambda state: state)
def test_a_move_that_the_table_allows_keeps_the_numbers_and_the_stack(
    before: State, after: State, uses: int
) -> None:
    roster: Roster[object] = Roster()
    first = put(roster, "idle")
    slot = roster.add(0, 0.0)
    slot.uses = uses
    for step in (*WAYS[before], after):
        change(roster, slot, step)
    last = put(roster, "idle")
    counts = roster.by_state()
    assert counts == Counter(("idle", "idle", *([] if after == "gone" else [after])))
    assert (roster.starting, roster.retiring) == (counts["starting"], counts["retiring"])
    assert roster.alive == len(roster.slots) - roster.starting - roster.retiring
    rests = [slot] if after in ("idle", "checking") else []
    assert roster.resting == [first, *rests, last]
    assert roster.fresh == 2 + (len(rests) if not uses else 0)
    assert list(roster.idle()) == [one for one in (last, slot, first) if one.state == "idle"]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_whichever_is_taken_off_the_stack_the_others_keep_their_order(number: int) -> None:
    roster: Roster[object] = Roster()
    slots = [put(roster, "idle") for _ in range(3)]
    roster.move(slots[number], "in_use")
    assert roster.resting == [slot for slot in slots if slot is not slots[number]]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> set[tuple[State, State]]:
    """Every move that the pools of a test make."""
    moves: set[tuple[State, State]] = set()
    move, remove = Roster.move, Roster.remove

    def noted_move(self: Roster[Thing], slot: Slot[Thing], state: State) -> None:
        moves.add((slot.state, state))
        move(self, slot, state)

    def noted_remove(self: Roster[Thing], slot: Slot[Thing]) -> None:
        moves.add((slot.state, "gone"))
        remove(self, slot)

    monkeypatch.setattr(Roster, "move", noted_move)
    monkeypatch.setattr(Roster, "remove", noted_remove)
    return moves


async def test_every_move_that_the_table_allows_is_made(
    seen: set[tuple[State, State]], autojump_clock: trio.testing.MockClock
) -> None:
    await rest_and_leases()
    await checks()
    await resets()
    await creations()
    assert seen == {(before, after) for before, row in MOVES.items() for after in row}


def one_place(
    shop: Workshop, *, hooks: str = "", **config: float
) -> AbstractAsyncContextManager[Pool[Thing]]:
    return open_pool(
        shop,
        PoolConfig(min_size=0, max_size=1, **config),  # type: ignore[arg-type]  # none of them is a bool or a pair
        check=shop.check if "check" in hooks else None,
        reset=shop.reset if "reset" in hooks else None,
    )


async def queue_up(pool: Pool[Thing], borrowers: int) -> None:
    """Borrow, all at once, for one second each."""

    async def borrow() -> None:
        async with pool.acquire(timeout=math.inf):
            await trio.sleep(1)

    async with trio.open_nursery() as nursery:
        for _ in range(borrowers):
            nursery.start_soon(borrow)


async def rest_and_leases() -> None:
    async with one_place(Workshop()) as pool:
        await queue_up(pool, 2)
        async with pool.acquire() as lease:
            lease.retire()


async def checks() -> None:
    shop = Workshop()
    async with one_place(shop, hooks="check", check_after_idle=0, health_check_interval=5) as pool:
        await queue_up(pool, 1)
        await trio.sleep(10)
        await queue_up(pool, 1)
        shop.check_gate = error
        await trio.sleep(10)


async def resets() -> None:
    shop = Workshop()
    async with one_place(shop, hooks="reset") as pool:
        await queue_up(pool, 2)
        shop.reset_gate = error
        await queue_up(pool, 1)


async def creations() -> None:
    shop = Workshop()
    shop.create = slow(2)
    async with open_pool(shop, PoolConfig(min_size=1)) as pool:
        await trio.sleep(1)
        pool.replace_all()
        await pool.wait_ready()
    shop.create = error
    async with open_pool(shop, PoolConfig(min_size=1)):
        await trio.sleep(1)
