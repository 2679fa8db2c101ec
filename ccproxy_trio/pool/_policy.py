"""What to do next, decided over plain values: no trio, no clock, no state.

The pool collects the facts, asks here, and acts. Every rule about starting, retiring, checking, whom to serve and how
long to back off is in this file, and only here.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from ._stats import RetireReason

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to leave a failing factory alone."""

    first: float
    """Seconds after the first failure."""
    most: float
    """Seconds at most."""
    delay: float = 0.0
    """Seconds of the pause in force; 0 while the factory works."""
    until: float = -math.inf
    """When the pause ends."""

    @property
    def failing(self) -> bool:
        """Whether the latest attempt failed."""
        return self.delay > 0

    def pausing(self, now: float) -> bool:
        """Whether the factory is to be left alone."""
        return now < self.until

    def failed(self, now: float) -> Backoff:
        """After a failure. Failures within a pause are of the same volley and do not lengthen it."""
        if self.pausing(now):
            return self
        delay = min(self.most, self.delay * 2 if self.delay else self.first)
        return replace(self, delay=delay, until=now + delay)

    def succeeded(self) -> Backoff:
        """After a success."""
        return Backoff(self.first, self.most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """How many there are of what, at one moment."""

    min_size: int
    max_size: int
    min_fresh: int
    max_starting: int
    starting: int
    alive: int
    """Created and not retiring: idle, in use, checking or resetting."""
    retiring: int
    fresh: int
    """Never leased, and at rest."""
    waiting: int
    """Acquires that only a resource yet to be created can be sure to serve."""
    upkeep: bool
    """Whether min_size and min_fresh are to be kept up (not before the first acquire of a pool without warm-up)."""
    failing: bool
    pausing: bool

    @property
    def room(self) -> int:
        """Slots that are free now; negative while a pool made smaller has leases out."""
        return self.max_size - self.starting - self.alive - self.retiring


class Step(enum.Enum):
    """What the pool should do next about its size."""

    REST = enum.auto()
    START = enum.auto()
    """Create one resource."""
    EVICT = enum.auto()
    """Retire the least recently used idle resource, to create one in its place."""


def starts_needed(census: Census) -> int:
    """How many creations are wanted beyond those under way, room or no room."""
    fresh_short = max(0, census.min_fresh - census.fresh) if census.upkeep else 0
    size_short = census.min_size - census.alive - census.starting if census.upkeep else 0
    return max(0, census.waiting + fresh_short - census.starting, size_short)


def next_step(census: Census) -> Step:
    """The next single step; ask again after it was taken."""
    need = starts_needed(census)
    limit = 1 if census.failing else census.max_starting
    if not need or census.pausing or census.starting >= limit:
        return Step.REST
    if census.room > 0:
        return Step.START
    coming = census.room + census.retiring
    if need > max(0, coming) and census.starting + census.retiring < limit:
        return Step.EVICT
    return Step.REST


def still_wanted(census: Census) -> bool:
    """Whether a creation counted as starting, and not yet begun, is needed after all (HikariCP#774)."""
    if census.pausing or census.room < 0:
        return False
    return starts_needed(replace(census, starting=census.starting - 1)) > 0


def hopeless(waiting: int, census: Census) -> int:
    """How many of `waiting` acquires nothing alive or under way can serve."""
    if not census.pausing or census.alive:
        return 0
    return max(0, waiting - census.starting)


def may_replace(census: Census) -> bool:
    """Whether one more of those that are replaced one by one may go: when all the others, and a spare, are there.

    A factory that failed last may work again: it is tried when one has gone, and no other goes before it does.
    """
    if census.pausing or census.starting or census.retiring:
        return False
    return census.alive >= census.min_size


def why_retire(
    *,
    closing: bool,
    outdated: bool,
    surplus: bool,
    uses: int,
    max_uses: float,
    now: float,
    expires: float,
) -> RetireReason | None:
    """Why a resource that comes free may not be used again; None if it may."""
    if closing:
        return RetireReason.CLOSING
    if outdated:
        return RetireReason.REPLACED
    if uses >= max_uses:
        return RetireReason.USES
    if now >= expires:
        return RetireReason.LIFETIME
    if surplus:
        return RetireReason.SHRUNK
    return None


def idle_end(
    *,
    since: float,
    idle_timeout: float,
    alive: int,
    min_size: int,
    is_fresh: bool,
    fresh: int,
    min_fresh: int,
) -> float:
    """When an idle resource is to be closed: never while min_size or min_fresh needs it."""
    if alive <= min_size or (is_fresh and fresh <= min_fresh):
        return math.inf
    return since + idle_timeout


def needs_check(*, now: float, seen_well: float, check_after_idle: float) -> bool:
    """Whether a resource is to be checked before it is handed over."""
    return now - seen_well >= check_after_idle


def replaces_for_overtaken(*, overtaken_for: float, overtake_limit: float, census: Census) -> bool:
    """Whether a freed resource that does not fit the oldest waiter is to be replaced for it.

    Not while one that fits is on its way, and not while none can be created.
    """
    if overtaken_for < overtake_limit or census.pausing:
        return False
    return census.starting == 0 and census.retiring == 0 and census.room <= 0


def best_fit(scores: Iterable[int | None]) -> int | None:
    """The index of the highest score, the first among equals; None if nothing fits."""
    best: int | None = None
    highest: int | None = None
    for index, score in enumerate(scores):
        if score is not None and (highest is None or score > highest):
            best, highest = index, score
    return best


Turn: TypeAlias = tuple[int, int]
"""When it is a tenant's turn: the lower, the sooner."""


def turn(*, leases: int, last_served: int) -> Turn:
    """When it is the turn of a tenant with so many leases now, served last as the so-manieth (0: not yet).

    Whoever has least comes first, and among equals whoever has been without for longest.
    """
    return leases, last_served


def takes_place(*, mine: int, most: int, sooner: bool) -> bool:
    """Whether a newcomer to a full line takes the place of the latest of that tenant of which the most wait.

    `mine` is how many of the newcomer's tenant wait, `sooner` whether that tenant's turn comes before the other's.
    It does where the places are more evenly had after it; and where all have one each, and its tenant none, if that
    has the better claim. Otherwise two tenants would only push out each other's acquires, at each that comes.
    """
    return mine + 1 < most or (mine == 0 and sooner)


def lease_time(mean: float | None, latest: float) -> float:
    """The mean of how long leases last, one lease later: exponentially weighted, by 1/8 as in RFC 6298."""
    return latest if mean is None else mean + (latest - mean) / 8


def expiry(*, born: float, max_lifetime: float, jitter: float, chance: float) -> float:
    """When a resource is too old; `chance` is a random number from 0 to below 1."""
    return born + max_lifetime * (1 - jitter * chance)
