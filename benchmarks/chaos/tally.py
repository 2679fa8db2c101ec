"""What the load counted itself: outcomes, lies, times, and what they say of the server's own counters."""

from __future__ import annotations

import statistics
from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field

from .hearing import Lie
from .numbers import LIMITED
from .truths import KILLED, NO_START, SATURATED, TIMED_OUT
from .verdict import Verdict, judge

if TYPE_CHECKING:
    from .client import Seen
    from .drawing import Asked
    from .truths import Truth

_MOST_LIES = 200
_WITH_AN_INSTANCE = {"answered", "failed as asked", "its instance was shot", "its instance was too slow"}

_MAY_HAVE_HAD_ONE = _WITH_AN_INSTANCE | {"refused"}


@define
class Tally:
    """The sums so far."""

    begun: int = 0
    outcomes: Counter[tuple[str, str]] = field(factory=Counter)
    """By what became of a request, and its status."""
    truths: Counter[Truth] = field(factory=Counter)
    lies: list[str] = field(factory=list)
    """The first of them, for people."""
    lied: int = 0
    plain: list[float] = field(factory=list)
    """Seconds that a plain question and its answer took."""
    leased: int = 0
    """Requests that had one instance at least, and no more but by a retry."""
    unsure: int = 0
    """Requests of which nobody but the server knows whether they had one."""
    let_in: int = 0
    """Requests that the second key's limits have surely counted."""

    def note(self, seen: Seen) -> str:
        """Judge one request, and count it; what became of it."""
        asked = seen.asked
        try:
            verdict = judge(seen)
        except Lie as lie:
            verdict = Verdict("lied")
            after = f", on the connection of {_describe(seen.before)}" if seen.before else ""
            sent = f"sent in {seen.sending:.2f} s"
            self.lie(f"request {asked.number} ({_describe(asked)}{after}; {sent}): {lie}")
        self.outcomes[verdict.outcome, str(seen.status or "-")] += 1
        if verdict.truth is not None:
            self.truths[verdict.truth] += 1
        if (
            verdict.outcome == "answered"
            and not asked.course.wish
            and asked.dialect not in ("count", "models")
        ):
            self.plain.append(seen.seconds)
        self._count_lease(asked, verdict)
        inside = asked.key == LIMITED and (asked.mistake is None or not asked.mistake.raw)
        self.let_in += inside and verdict.outcome not in ("left", "lied", "over its limits")
        return verdict.outcome

    def lie(self, text: str) -> None:
        """Take note of something that is not true."""
        self.lied += 1
        if len(self.lies) < _MOST_LIES:
            self.lies.append(text)

    @property
    def killed(self) -> int:
        """Requests that were told of an instance's violent end."""
        return self.truths[KILLED]

    @property
    def timed_out(self) -> int:
        """Requests that were told that there was no instance in time."""
        return self.truths[TIMED_OUT]

    @property
    def saturated(self) -> int:
        """Requests that were told that too many wait."""
        return self.truths[SATURATED]

    @property
    def without_starts(self) -> int:
        """Requests that were told that no instance can be started."""
        return self.truths[NO_START]

    def rows(self) -> list[tuple[str, str, int]]:
        """The outcomes, with their status and how many there were."""
        return [(*key, count) for key, count in sorted(self.outcomes.items())]

    def plain_milliseconds(self) -> tuple[float, float]:
        """Median and 95th percentile."""
        if len(self.plain) < 2:
            return (0.0, 0.0)
        cuts = statistics.quantiles(self.plain, n=20)
        return statistics.median(self.plain) * 1e3, cuts[-1] * 1e3

    def _count_lease(self, asked: Asked, verdict: Verdict) -> None:
        # The list of models is asked for once, and remembered.
        by_chance = asked.dialect == "models" or asked.forbidden
        if verdict.outcome in ("left", "lied") or (by_chance and verdict.outcome in _MAY_HAVE_HAD_ONE):
            self.unsure += 1
        elif verdict.outcome in _WITH_AN_INSTANCE:
            self.leased += 1


def _describe(asked: Asked) -> str:
    if asked.mistake is not None:
        return f"{asked.dialect}, {asked.mistake.truth.status} wanted"
    how = "streamed" if asked.stream else "whole"
    leaving = f", left at {asked.leaving.stage}" if asked.leaving.stage else ""
    return f"{asked.dialect}, {how}, {asked.course.wish or 'plain'}{leaving}"
