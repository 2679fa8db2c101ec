"""The table of a pool's statistics: lines of text, each with its colour. Pure.

What answers may be no server of ours: its texts are shown without what would steer a terminal, and numbers that no
pool has count as none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.watch._fetch import NotOurs, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_COUNTERS = (
    ("acquired", "given to requests"),
    ("connections_reused", "  of these, used before"),
    ("connections_created", "started"),
    ("connections_destroyed", "ended"),
    ("acquire_timeouts", "requests that waited in vain"),
    ("saturated", "  turned away, too many waited"),
    ("acquire_cancelled", "  gone while they waited"),
)
_FAILURES = (
    ("create_failures", "starts"),
    ("health_check_failures", "checks"),
    ("reset_failures", "clean-ups"),
    ("close_failures", "ends"),
)
_GAUGES = ("idle", "in_use", "starting", "checking", "resetting", "retiring")
_BAR = 40
_MOST = 2**53


@frozen
class Line:
    """One line, to be cut to the terminal's width before it is coloured."""

    text: str
    colour: str | None = None
    bold: bool = False


@frozen
class Snapshot:
    """What a server told of its pool at some time."""

    at: float
    """Of a clock that only goes forward, in seconds."""
    numbers: Mapping[str, int]
    retired: Mapping[str, int]
    last_error: str | None

    @classmethod
    def of(cls, at: float, document: Mapping[str, Any]) -> Snapshot:
        """Read `/pool/stats`. Raises NotOurs."""
        stats, pool = document.get("stats"), document.get("pool")
        if not isinstance(stats, dict) or not isinstance(pool, dict):
            raise NotOurs("the answer has no statistics of a pool")
        gauges = {"idle": stats.get("available_connections"), "in_use": stats.get("in_use_connections")}
        numbers = {**stats, **pool, **gauges}
        retired = pool.get("retired")
        error = pool.get("last_error")
        return cls(
            at,
            _counts(numbers),
            _counts(retired) if isinstance(retired, dict) else {},
            printable(error) if isinstance(error, str) else None,
        )

    def follows(self, earlier: Snapshot) -> bool:
        """Whether the same process told both: a server that was started anew counts from zero."""
        return all(
            self.numbers.get(name, 0) >= earlier.numbers.get(name, 0) for name, _ in (*_COUNTERS, *_FAILURES)
        )


def _counts(told: Mapping[str, Any]) -> dict[str, int]:
    return {printable(name): n for name, n in told.items() if type(n) is int and 0 <= n <= _MOST}


def draw(snapshot: Snapshot, earlier: Snapshot | None = None) -> Iterator[Line]:
    """The table, with rates since `earlier` if that is of the same server."""
    number = snapshot.numbers.get
    yield Line(
        f"instances  {number('total_connections', 0)} of {number('max_size', 0)} at most, "
        f"{number('min_size', 0)} kept   {_bar(snapshot)}",
        bold=True,
    )
    gauges = "  ".join(f"{name.replace('_', ' ')} {number(name, 0)}" for name in _GAUGES)
    yield Line(f"  {gauges}  (fresh {number('fresh', 0)})")
    waiting = number("waiting", 0)
    yield Line(f"requests that wait  {waiting}", "yellow" if waiting else None, bold=True)
    yield Line("")
    rated = earlier is not None and snapshot.at > earlier.at and snapshot.follows(earlier)
    yield Line(f"{'':32}{'total':>10}" + (f"{'per second':>14}" if rated else ""), bold=True)
    for name, title in _COUNTERS:
        row = f"{title:32}{number(name, 0):>10}"
        if rated and earlier is not None:
            row += f"{(number(name, 0) - earlier.numbers.get(name, 0)) / (snapshot.at - earlier.at):>14.1f}"
        yield Line(row)
    yield Line("")
    failures = [(title, number(name, 0)) for name, title in _FAILURES]
    colour = "red" if any(count for _, count in failures) else None
    yield Line("failed     " + "  ".join(f"{title} {count}" for title, count in failures), colour)
    ended = [f"{reason} {count}" for reason, count in snapshot.retired.items() if count]
    yield Line("ended by   " + ("  ".join(ended) or "nothing yet"))
    if snapshot.last_error is not None:
        yield Line(f"last error {snapshot.last_error}", "red")


def _bar(snapshot: Snapshot) -> str:
    """One sign for each instance that there may be: # in use, = idle, + coming or going, . none."""
    number = snapshot.numbers.get
    in_use, idle = number("in_use", 0), number("idle", 0)
    most = max(number("max_size", 0), number("total_connections", 0), in_use + idle, 1)
    if most > _BAR:
        return ""
    moving = max(0, number("total_connections", 0) - in_use - idle)
    return f"[{'#' * in_use}{'=' * idle}{'+' * moving}".ljust(most + 1, ".") + "]"
