"""On whose behalf a request asks the pool, and by when.

Rules:

* A request has one deadline, counted from the arrival of its head, for all that is done for it. It is the operator's
  limit or the client's, whichever ends first.
* A client's limit is what the official clients tell of their own timeouts. `x-stainless-timeout` is for the whole
  request. `x-stainless-read-timeout` is how long the client waits for the next byte: a limit for an answer that comes
  in one piece, and none for a stream.
* A value that is no number of seconds limits nothing, and that is told; the clients' own words for "none" are not.

What the clients send, and why this is made of it, is in docs/decisions/one-deadline.md.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypedDict

import trio
from attrs import frozen
from quart import g, request

if TYPE_CHECKING:
    from .permission import Caller

_WHOLE = "x-stainless-timeout"
_READ = "x-stainless-read-timeout"
_NONE = frozenset({"NOT_GIVEN", "None"})


@frozen(order=True)
class Limit:
    """When a request's time is over."""

    deadline: float
    """In trio's time."""
    name: str
    """For the client: what it comes from."""


class Terms(TypedDict):
    """What every method of `ClaudePool` takes beside what is asked."""

    deadline: float
    tenant: str | None


def start_clock(request_timeout: float) -> None:
    """Take note that a request has arrived; `request_timeout` is the operator's limit, in seconds."""
    now = trio.current_time()
    g.ignored = ()
    ours = Limit(now + request_timeout, f"server.request_timeout allows ({request_timeout:g} s)")
    g.limit = g.limit_of_stream = min([ours, *_limits(_WHOLE, now)])
    g.limit_of_whole = min([g.limit, *_limits(_READ, now)])


def terms(*, stream: bool = False) -> Terms:
    """Those of the request under way; a `stream` may have more time than an answer that comes as a whole."""
    caller: Caller | None = g.caller
    g.limit = g.limit_of_stream if stream else g.limit_of_whole
    return Terms(deadline=g.limit.deadline, tenant=None if caller is None else caller.name)


def _limits(header: str, now: float) -> list[Limit]:
    """What the client's `header` says: one limit, or none."""
    value = request.headers.get(header, "None")
    if value in _NONE:
        return []
    seconds = _read_seconds(value)
    if seconds is None:
        g.ignored += (header,)
        return []
    return [Limit(now + seconds, f"its {header} allows ({seconds:g} s)")]


def _read_seconds(value: str) -> float | None:
    try:
        seconds = float(value)
    except ValueError:
        return None
    return None if math.isnan(seconds) or seconds < 0 else seconds
