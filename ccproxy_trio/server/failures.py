"""From whatever a layer below raises to the one neutral failure that a dialect renders."""

from __future__ import annotations

import trio

from ccproxy_trio.claude.errors import ClaudeError, InstanceError, InstanceSilent, OutOfTime, TurnFailed
from ccproxy_trio.dialects.anthropic import InvalidStream
from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.pool import PoolClosed, PoolError, PoolStatistics, ResourceUnavailable

_SOON = 1.0
_LATER = 60.0
"""When to come back at the latest, for who is told a guess; by then it is another."""


class Refused(Exception):
    """The caller is not to have this, now or ever; `failure` is what it is told."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


EXPECTED = (InvalidRequest, Refused, PoolError, ClaudeError)
"""What an endpoint may raise; anything else is a mistake of ours."""


def failure_of(error: Exception, limit: str = "the time that it is given") -> Failure:
    """The failure that a client is told; `limit` is what its deadline comes from."""
    match error:
        case InvalidRequest() | Refused() | TurnFailed():
            return error.failure
        case OutOfTime():
            return Failure(504, f"the request took longer than {limit}: {error}")
        case InstanceSilent():
            return Failure(504, str(error))
        case InstanceError():
            return Failure(502, error.told_to_its_client)
        case ClaudeError():
            return Failure(502, str(error))
        case InvalidStream():
            return Failure(502, f"the claude process sent events that are no message: {error}")
        case PoolClosed():
            return Failure(529, "the server is shutting down", retry_after=_SOON)
        case ResourceUnavailable():
            said = f"no claude process can be started: {error.__cause__}"
            return Failure(529, said, retry_after=_tried_again(error))
        case PoolError():
            said = f"all claude instances are busy: {error}"
            return Failure(529, said, retry_after=_served(error.statistics))
        case _:
            return Failure(500, "internal error of the proxy; its log says more")


def _served(pool: PoolStatistics) -> float:
    """In how many seconds one would be served who joined the line now."""
    if pool.lease_time is None:
        return _SOON
    return min(_LATER, max(_SOON, pool.lease_time * (pool.waiting + 1) / pool.max_size))


def _tried_again(error: ResourceUnavailable) -> float:
    """In how many seconds the next start is tried."""
    until = error.statistics.backoff_until
    return _SOON if until is None else max(_SOON, until - trio.current_time())


def describe(error: Exception) -> str:
    """Why, for a log: without any words of upstream's, which may quote the conversation."""
    match error:
        case TurnFailed():
            return error.failure.kind or "the upstream API gave no answer, or not all of it"
        case InvalidStream():
            return "the claude process sent events that are no message"
        case _:
            return str(error)
