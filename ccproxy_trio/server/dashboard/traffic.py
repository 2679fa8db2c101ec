"""How requests went of late: a few numbers for each moment, from what is noted of each when it has ended.

Rules:

* Taking note is cheap, for it is done whether anybody looks or not: a few numbers are appended.
* Only the times of the moment under way are kept one by one, and those of the last minute; of the moments before
  there is a summary. All of it is bounded.
* A moment without a request is nowhere: there may be many of them.
"""

from __future__ import annotations

from collections import deque
from math import ceil
from typing import TYPE_CHECKING, TypeAlias

import trio
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ccproxy_trio.server.observe import RequestRecord

STEP = 5.0
"""Seconds of one moment."""
KEPT = 60
"""Moments."""
MINUTE = 60.0
_MOST = 5000
"""Requests of which the times are kept one by one."""
_API = ("/v1/", "/openai/")

Point: TypeAlias = tuple[int, int, float, float, float, float]
"""How many requests ended, how many of them failed, then the median and the 95th of 100 of the times to the first
token, and of the waits for an instance. -1 stands where there is no number."""


@frozen
class Request:
    """What counts of one."""

    ended: float
    failed: bool
    first: float | None
    """Seconds to the first token."""
    waited: float | None
    """Seconds for which it waited for an instance."""


class Traffic:
    """The requests of one server."""

    def __init__(self) -> None:
        self._moment = 0
        self._count = self._failed = 0
        self._current: list[Request] = []
        self._closed: deque[tuple[int, Point]] = deque(maxlen=KEPT)
        self._latest: deque[Request] = deque(maxlen=_MOST)

    def note(self, record: RequestRecord) -> None:
        """Take note of a request of one of the APIs, as an observer of them."""
        if not record.endpoint.startswith(_API):
            return
        waited = next(
            (end - began for stage, began, end in record.stages.spans() if stage == "queue" and end), None
        )
        failed = record.outcome in ("failed", "late")
        self.add(Request(trio.current_time(), failed, record.time_to_first_token, waited))

    def add(self, request: Request) -> None:
        """The same, when it has been looked at."""
        moment = int(request.ended // STEP)
        if moment != self._moment:
            self._closed.extend(self._under_way())
            self._moment, self._count, self._failed, self._current = moment, 0, 0, []
        self._count += 1
        self._failed += request.failed
        if len(self._current) < _MOST:
            self._current.append(request)
        self._latest.append(request)

    def moments(self, start: float, now: float) -> dict[str, Point]:
        """Each moment that is kept and had a request, by the second in which it began, counted from `start`."""
        return {f"{number * STEP - start:.3f}": point for number, point in self._since(now - KEPT * STEP)}

    def minute(self, now: float) -> Point:
        """The last minute: its moments added up, and the times of its latest requests."""
        while self._latest and self._latest[0].ended < now - MINUTE:
            self._latest.popleft()
        points = [point for _, point in self._since(now - MINUTE)]
        return summarise(self._latest, sum(point[0] for point in points), sum(point[1] for point in points))

    def _since(self, then: float) -> list[tuple[int, Point]]:
        """The moments that began later than the one at that time."""
        return [each for each in (*self._closed, *self._under_way()) if each[0] > int(then // STEP)]

    def _under_way(self) -> list[tuple[int, Point]]:
        """The moment under way, if it had a request."""
        if not self._count:
            return []
        return [(self._moment, summarise(self._current, self._count, self._failed))]


def summarise(requests: Iterable[Request], count: int, failed: int) -> Point:
    """The numbers of some requests, and the times of those of them that are known one by one."""
    known = tuple(requests)
    first = sorted(request.first for request in known if request.first is not None)
    waited = sorted(request.waited for request in known if request.waited is not None)
    return count, failed, rank(first, 50), rank(first, 95), rank(waited, 50), rank(waited, 95)


def rank(ordered: Sequence[float], percent: int) -> float:
    """The least number that so many of 100 do not exceed, to the microsecond; -1 without any."""
    return round(ordered[ceil(len(ordered) * percent / 100) - 1], 6) if ordered else -1
