"""How requests went of late: a few numbers for each moment, from what is noted of each when it has ended.

Rules:

* Taking note is cheap, for it is done whether anybody looks or not: a few numbers are appended.
* Only the numbers of the moment under way are kept one by one, and those of the last minute; of the moments before
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
    from collections.abc import Sequence

    from ccproxy_trio.server.observe import RequestRecord

STEP = 5.0
"""Seconds of one moment."""
KEPT = 60
"""Moments."""
MINUTE = 60.0
_MOST = 5000
"""Requests of which the numbers are kept one by one."""
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
    """The requests of one server, from its start on."""

    def __init__(self) -> None:
        self._moment = 0
        self._current: list[Request] = []
        self._closed: deque[tuple[int, Point]] = deque(maxlen=KEPT)
        self._minute: deque[Request] = deque(maxlen=_MOST)

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
            self._close()
            self._moment = moment
        if len(self._current) < _MOST:
            self._current.append(request)
        self._minute.append(request)

    def moments(self, start: float, now: float) -> dict[str, Point]:
        """Each moment that is kept and had a request, by the second in which it began, counted from `start`."""
        oldest = int(now // STEP) - KEPT
        known = [*self._closed, *([(self._moment, summarise(self._current))] if self._current else ())]
        return {f"{number * STEP - start:.3f}": point for number, point in known if number > oldest}

    def minute(self, now: float) -> Point:
        """The last minute."""
        while self._minute and self._minute[0].ended < now - MINUTE:
            self._minute.popleft()
        return summarise(self._minute)

    def _close(self) -> None:
        if self._current:
            self._closed.append((self._moment, summarise(self._current)))
        self._current = []


def summarise(requests: Sequence[Request] | deque[Request]) -> Point:
    """The numbers of some requests."""
    first = sorted(request.first for request in requests if request.first is not None)
    waited = sorted(request.waited for request in requests if request.waited is not None)
    failed = sum(request.failed for request in requests)
    return len(requests), failed, *_middle_and_high(first), *_middle_and_high(waited)


def _middle_and_high(ordered: Sequence[float]) -> tuple[float, float]:
    return rank(ordered, 50), rank(ordered, 95)


def rank(ordered: Sequence[float], percent: int) -> float:
    """The least number that so many of 100 do not exceed, to the microsecond; -1 without any."""
    return round(ordered[ceil(len(ordered) * percent / 100) - 1], 6) if ordered else -1
