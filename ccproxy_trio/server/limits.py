"""How much one key may ask: a bucket of tokens, and a number of seats. Pure; the time, in seconds, is given.

Rules:

* The bucket holds as many tokens as requests are allowed in a minute, and is full at first. It fills up evenly, a
  whole one in a minute; a request takes one. So a minute's worth may come at once, and never more in the long run.
  What is kept of it is when it will be full.
* A seat is held until the answer has ended.
* A request that is refused takes neither.
* When a seat comes free nobody knows. What is told is how long this key's requests have taken, the latest counting
  most (one eighth), for each of its seats; within bounds, as it is a guess.
"""

from __future__ import annotations

from attrs import frozen

_MINUTE = 60.0
_SOON = 1.0
_LATER = 60.0


@frozen
class TooMany:
    """Why a request is not let in."""

    what: str
    """For the caller."""
    retry_after: float
    """Seconds until another try makes sense."""


class Limits:
    """One key's limits, None for none, and what is left of them."""

    def __init__(self, requests_per_minute: int | None, concurrency: int | None, now: float) -> None:
        self.under_way = 0
        """The seats that are taken."""
        self._per_minute = requests_per_minute
        self._concurrency = concurrency
        self._full_at = now
        self._takes: float | None = None
        """How long a request takes, in seconds."""

    def change(self, requests_per_minute: int | None, concurrency: int | None) -> None:
        """Put other limits in force; what was let in still counts."""
        self._per_minute = requests_per_minute
        self._concurrency = concurrency

    def begin(self, now: float) -> TooMany | None:
        """Let one request in, to be followed by `end`, or say why not."""
        if self._concurrency is not None and self.under_way >= self._concurrency:
            return TooMany(
                f"{_count(self._concurrency)} under way at the same time",
                self._seat_free_in(self._concurrency),
            )
        if self._per_minute is not None:
            each = _MINUTE / self._per_minute
            full_at = max(self._full_at, now) + each
            missing = round(full_at - now - _MINUTE, 6)
            if missing > 0:
                return TooMany(f"{_count(self._per_minute)} in a minute", missing)
            self._full_at = full_at
        self.under_way += 1
        return None

    def end(self, began: float, now: float) -> None:
        """Take note that the answer to a request that was let in when it `began` has ended."""
        self.under_way -= 1
        took = now - began
        self._takes = took if self._takes is None else self._takes + (took - self._takes) / 8

    def _seat_free_in(self, seats: int) -> float:
        return _SOON if self._takes is None else min(_LATER, max(_SOON, self._takes / seats))


def _count(number: int) -> str:
    return "1 request" if number == 1 else f"{number} requests"
