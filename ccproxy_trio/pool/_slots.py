"""The pool's places: one slot per resource, counted by state, and the stack on which idle resources rest.

* What may follow what is the table `MOVES`, and docs/pool.md draws it. No slot changes its state otherwise.
* A slot is counted from the moment its creation is decided until its resource is gone: a killed process is reaped
  before its place is free (jackc/pgx#1259).
* Idle resources rest on a stack: the one used last is used next, so that the others get old enough to be closed. A
  queue would rotate them all, and none would ever be idle for long.
* A resource that is checked keeps its place on the stack, so that a check does not make it look used.
* Whoever changes a state changes the stack in the same step: what is on it is idle or checked, and nothing else is.
"""

from __future__ import annotations

import math
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeAlias, TypeVar

import trio

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping

    from ._policy import Backoff
    from ._stats import RetireReason, State
    from ._waiters import Waiter

T = TypeVar("T")

Order: TypeAlias = Literal["check", "reset", "retire"]

FIRST: Final = "starting"
"""Where every slot begins."""

_MOVES: dict[State, frozenset[State]] = {
    "starting": frozenset({"idle", "in_use", "retiring", "gone"}),
    "idle": frozenset({"in_use", "checking", "retiring"}),
    "in_use": frozenset({"in_use", "idle", "resetting", "retiring"}),
    "checking": frozenset({"in_use", "idle", "retiring"}),
    "resetting": frozenset({"in_use", "idle", "retiring"}),
    "retiring": frozenset({"gone"}),
    "gone": frozenset(),
}
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(_MOVES)
"""The states that may follow each. In use after in use: handed from one borrower to the next without a rest."""

AT_REST: Final[frozenset[State]] = frozenset({"idle", "checking"})
"""The states of those on the stack."""


class Slot(Generic[T]):
    """One resource, from the decision to create it until it is gone."""

    __slots__ = (
        "born",
        "checked",
        "expires",
        "generation",
        "hook_scope",
        "id",
        "label",
        "order",
        "ordered",
        "prior_backoff",
        "reason",
        "scope",
        "seen_well",
        "since",
        "state",
        "tenant",
        "uses",
        "value",
        "waiter",
    )

    value: T

    def __init__(self, number: int, generation: int, now: float) -> None:
        self.id = number
        self.generation = generation
        self.state: State = FIRST
        self.since = now
        """When it was decided on, came to rest, or was leased."""
        self.born: float | None = None
        self.seen_well = now
        """When it was created, used or checked last."""
        self.expires = math.inf
        self.uses = 0
        self.tenant: Hashable = None
        """On whose behalf it was leased last."""
        self.label: object = None
        """That of its lease, until it comes to rest."""
        self.reason: RetireReason | None = None
        self.waiter: Waiter[T] | None = None
        """The acquire for which it is checked, while that waits."""
        self.prior_backoff: Backoff | None = None
        """The back-off before its creation, to go on from if it proves stillborn."""
        self.order: Order | None = None
        self.ordered = trio.Event()
        self.checked: trio.Event | None = None
        """Set when the check under way is over."""
        self.scope: trio.CancelScope | None = None
        self.hook_scope: trio.CancelScope | None = None

    def command(self, order: Order) -> None:
        """Tell the keeper what to do next; a later order replaces one not yet taken up."""
        self.order = order
        self.ordered.set()


class Roster(Generic[T]):
    """All slots of a pool, those at rest, and how many come and go."""

    __slots__ = ("_next_id", "fresh", "resting", "retiring", "slots", "starting")

    def __init__(self) -> None:
        self._next_id = 1
        self.slots: dict[Slot[T], None] = {}
        self.resting: list[Slot[T]] = []
        """The stack: the least recently used first. Idle slots, and those checked in their place."""
        self.fresh = 0
        """How many of the resting were never leased."""
        self.starting = 0
        """How many are being created."""
        self.retiring = 0
        """How many are on their way out."""

    @property
    def newest(self) -> int:
        """The number of the slot added last; 0 before there was one."""
        return self._next_id - 1

    @property
    def alive(self) -> int:
        """How many are created and not retiring."""
        return len(self.slots) - self.starting - self.retiring

    def by_state(self) -> Counter[State]:
        """How many are in which state, counted now."""
        return Counter(slot.state for slot in self.slots)

    def add(self, generation: int, now: float) -> Slot[T]:
        """Take a place for a resource to be created."""
        slot: Slot[T] = Slot(self._next_id, generation, now)
        self._next_id += 1
        self.slots[slot] = None
        self.starting += 1
        return slot

    def remove(self, slot: Slot[T]) -> None:
        """Give the place back."""
        if "gone" not in _MOVES[slot.state]:
            raise _illegal(slot, "gone")
        if slot.state == "retiring":
            self.retiring -= 1
        else:
            self.starting -= 1
        slot.state = "gone"
        del self.slots[slot]

    def move(self, slot: Slot[T], state: State) -> None:
        """Change the state of a slot, as `MOVES` allows, and with it the stack. `remove` is the way out."""
        before = slot.state
        if state not in _MOVES[before]:
            raise _illegal(slot, state)
        slot.state = state
        if before == "starting":
            self.starting -= 1
        if state == "retiring":
            self.retiring += 1
        if state in AT_REST:
            if before not in AT_REST:
                self.resting.append(slot)
                if not slot.uses:
                    self.fresh += 1
        elif before in AT_REST:
            if self.resting[-1] is slot:  # As nearly always: the one used last is used next.
                self.resting.pop()
            else:
                self.resting.remove(slot)
            if not slot.uses:
                self.fresh -= 1

    def idle(self) -> Iterator[Slot[T]]:
        """The idle slots, the most recently used first."""
        return (slot for slot in reversed(self.resting) if slot.state == "idle")


def _illegal(slot: Slot[T], state: State) -> RuntimeError:
    return RuntimeError(f"a bug in the pool: slot {slot.id} cannot go from {slot.state} to {state}")
