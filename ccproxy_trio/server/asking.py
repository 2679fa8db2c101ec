"""On whose behalf a request asks the pool, and by when.

Rules:

* A request has one deadline, counted from the arrival of its head, for all that is done for it. It is the operator's
  limit or the client's, whichever ends first.
* A client's limit is what the official clients tell of their own timeouts. `x-stainless-timeout` is for the whole
  request. `x-stainless-read-timeout` is how long the client waits for the next byte: a limit for an answer that comes
  in one piece, and none for a stream. Some clients tell that by both headers; so two equal ones mean the same.
* Who waits for the next byte begins to count later than we do, and is to be the one to give up.
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
    from ccproxy_trio.claude.stages import Stages

    from .permission import Caller

_WHOLE = "x-stainless-timeout"
_READ = "x-stainless-read-timeout"
_NONE = frozenset({"NOT_GIVEN", "None"})
_PATIENCE = 1.0
"""Seconds for a client to leave by itself, as its users expect of it."""


@frozen
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
    stages: Stages


def start_clock(request_timeout: float) -> None:
    """Take note that a request has arrived; `request_timeout` is the operator's limit, in seconds."""
    now = trio.current_time()
    g.ignored = ()
    whole, read = _seconds(_WHOLE), _seconds(_READ)
    limit = Limit(now + request_timeout, f"server.request_timeout allows ({request_timeout:g} s)")
    if whole < request_timeout and whole != read:
        limit = Limit(now + whole, f"its {_WHOLE} allows ({whole:g} s)")
    g.limit = g.limit_of_stream = g.limit_of_whole = limit
    if now + read + _PATIENCE < limit.deadline:
        g.limit_of_whole = Limit(now + read + _PATIENCE, f"its {_READ} allows ({read:g} s)")


def terms(*, stream: bool = False) -> Terms:
    """Those of the request under way; a `stream` may have more time than an answer that comes as a whole."""
    caller: Caller | None = g.caller
    g.limit = g.limit_of_stream if stream else g.limit_of_whole
    tenant = None if caller is None else caller.name
    return Terms(deadline=g.limit.deadline, tenant=tenant, stages=g.record.stages)


def _seconds(header: str) -> float:
    """What the client's `header` says, infinity if that is nothing."""
    value = request.headers.get(header, "None")
    if value in _NONE:
        return math.inf
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if seconds >= 0:
        return seconds
    g.ignored += (header,)
    return math.inf
