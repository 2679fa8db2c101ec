"""Whether it all adds up: the counters while it runs and at the end, by themselves and against what the load counted;
and whether anything is left over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
from attrs import define, field

from .numbers import MAX_SIZE, MAX_WAITING, MIN_SIZE, PER_MINUTE
from .processes import children_of, count_descriptors, memory_of, state_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .server import Server
    from .tally import Tally
    from .trouble import Trouble

MEGABYTE = 2**20
MOST_MEMORY = 250 * MEGABYTE
"""Above what it had at rest before: a body of a megabyte takes several times its size while it is read."""
LEFT_MEMORY = 100 * MEGABYTE
"""The same at the end: what was once taken is not all given back to the system."""
_PATIENCE = 40.0

_GAUGES = ("available_connections", "in_use_connections", "starting", "checking", "resetting", "retiring")
_COUNTERS = (
    *("connections_created", "connections_destroyed", "connections_reused", "acquire_timeouts"),
    *("health_check_failures", "acquired", "acquire_cancelled", "saturated", "create_failures"),
    *("reset_failures", "close_failures"),
)


@define
class Accounts:
    """Of one server, from its first rest to its last."""

    server: Server
    tally: Tally
    descriptors: int = 0
    """At rest, before."""
    memory: int = 0
    """Bytes, at rest, before."""
    peak: int = 0
    at_the_end: int = 0
    """Bytes, at rest."""
    last: dict[str, Any] = field(factory=dict)
    """What the server told last."""

    async def open(self) -> None:
        """Take note of what it has at rest."""
        self.last = await self.rest()
        self.descriptors, self.memory = count_descriptors(self.server.pid), memory_of(self.server.pid)

    async def watch(self) -> None:
        """Look at it again and again while it is busy."""
        while True:
            await trio.sleep(0.25)
            self.peak = max(self.peak, memory_of(self.server.pid))
            self._compare(await self.server.stats())

    async def rest(self) -> dict[str, Any]:
        """Wait until everything is at rest; what it then tells."""
        stats: dict[str, Any] = {}
        with trio.move_on_after(_PATIENCE):
            while True:
                stats = await self.server.stats()
                children = children_of(self.server.pid)
                quiet = stats["available_connections"] == stats["total_connections"] == MIN_SIZE
                # A stopped one is noticed by its check only.
                well = len(children) == MIN_SIZE and not any(state_of(child) in "TZ" for child in children)
                if quiet and well and not stats["waiting"]:
                    return stats
                await trio.sleep(0.05)
        children_states = {child: state_of(child) for child in children_of(self.server.pid)}
        self.tally.lie(f"it does not come to rest: {stats}, children {children_states}")
        return stats

    async def close(self, trouble: Trouble, seconds: float) -> None:
        """Compare everything at rest."""
        stats = await self.rest()
        self._compare(stats)
        self._check_sums(stats)
        self._check_against_the_load(stats, trouble, seconds)
        await self._check_what_is_left()

    def _compare(self, stats: dict[str, Any]) -> None:
        gauges, total = sum(stats[name] for name in _GAUGES), stats["total_connections"]
        self._require(gauges == total <= MAX_SIZE, f"gauges of {gauges} in a pool of {total}", stats)
        self._require(stats["waiting"] <= MAX_WAITING, f"{stats['waiting']} wait", stats)
        alive = stats["connections_created"] - stats["connections_destroyed"]
        # What is starting was not created yet, and neither was what is given up while it starts.
        least = total - stats["starting"] - stats["retiring"]
        self._require(least <= alive <= total - stats["starting"], f"{alive} created and not gone", stats)
        fallen = [name for name in _COUNTERS if stats[name] < self.last.get(name, 0)]
        self._require(not fallen, f"{fallen} have fallen", stats)
        self.last = stats

    def _check_sums(self, stats: dict[str, Any]) -> None:
        created, destroyed = stats["connections_created"], stats["connections_destroyed"]
        self._require(
            created - destroyed == stats["total_connections"], "created - destroyed is not total", stats
        )
        self._require(sum(stats["retired"].values()) == destroyed, "the reasons are not all that went", stats)
        self._require(stats["in_use_connections"] == 0, "a lease was not given back", stats)
        firsts = stats["acquired"] - stats["connections_reused"]
        self._require(firsts <= created, "more first leases than instances", stats)

    def _check_against_the_load(self, stats: dict[str, Any], trouble: Trouble, seconds: float) -> None:
        tally, unsure = self.tally, self.tally.unsure
        self._require(sum(tally.outcomes.values()) == tally.begun, "not each request has one outcome", stats)
        least = tally.leased + self.server.retries
        for name, known in {
            "acquired": least,
            "acquire_timeouts": tally.timed_out,
            "saturated": tally.saturated,
            "acquire_cancelled": 0,
        }.items():
            within = known <= stats[name] <= known + unsure
            self._require(within, f"{name} {stats[name]} is not within {known} and {unsure} more", stats)
        self._require(
            tally.killed <= trouble.deadly, f"{tally.killed} of {trouble.deadly} shots were told", stats
        )
        most = PER_MINUTE * (1 + seconds / 60)
        self._require(tally.let_in <= most, f"{tally.let_in} were let in by a key for {most:.0f}", stats)

    async def _check_what_is_left(self) -> None:
        pid = self.server.pid
        # A connection is closed a moment after its answer.
        if not await _comes_true(lambda: count_descriptors(pid) <= self.descriptors):
            self.tally.lie(f"{count_descriptors(pid)} descriptors, and {self.descriptors} before")
        self.at_the_end = memory_of(pid)
        left, peak = self.at_the_end - self.memory, self.peak - self.memory
        if left > LEFT_MEMORY or peak > MOST_MEMORY:
            self.tally.lie(f"{left >> 20} MB more than before, {peak >> 20} MB at the most")
        folders = len(list(self.server.temporary.iterdir()))
        if folders != MIN_SIZE:
            self.tally.lie(f"{folders} private folders for {MIN_SIZE} instances")

    async def end(self) -> None:
        """Have it stop, and look at what is left behind."""
        status = await self.server.stop()
        if status != 0:
            self.tally.lie(f"it ended with status {status}: " + "\n".join(self.server.last_lines))
        if not await _comes_true(lambda: not self.server.processes):
            self.tally.lie(f"processes are left: {self.server.processes}")
        if left := [path.name for path in self.server.temporary.iterdir()]:
            self.tally.lie(f"folders are left: {left}")
        for line in self.server.errors:
            self.tally.lie(f"in the log: {line}")

    def _require(self, holds: bool, otherwise: str, stats: dict[str, Any]) -> None:
        if not holds:
            self.tally.lie(f"{otherwise}: {stats}")


async def _comes_true(holds: Callable[[], bool]) -> bool:
    with trio.move_on_after(_PATIENCE):
        while not holds():  # noqa: ASYNC110 -- no event tells
            await trio.sleep(0.05)
        return True
    return False
