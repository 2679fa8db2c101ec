"""What a server may truly say of a failure, in the terms of the Messages API.

A truth is a status and a pattern of the message. Seconds that a message names must have passed since the request was
sent. Besides what a request brings upon itself, these may befall

* any whose key has limits: that it is beyond them;
* any that needs an instance: that there was none, and why; that its own was shot, or stopped, or too slow. On a busy
  machine an instance may be too slow without having been stopped.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from .numbers import ACQUIRE_TIMEOUT, AT_ONCE, CREATE_TIMEOUT, MAX_WAITING, PER_MINUTE

if TYPE_CHECKING:
    from .hearing import Told

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_WITH_A_TIME = ("overloaded", "over its limits")
_BEFORE_ANY_ANSWER = (*_WITH_A_TIME, "refused")


@frozen
class Truth:
    """One thing that may be said."""

    status: int
    message: str
    """A pattern for all of it."""
    outcome: str
    """What it is counted as."""
    least: float = 0.0
    """Seconds that must have passed."""

    def covers(self, told: Told, seconds: float) -> bool:
        """Whether it was this that was told, so long after the request was sent."""
        found = re.fullmatch(self.message, told.message, re.DOTALL)
        if found is None or told.type != self._type(openai=told.openai):
            return False
        named = float(found.groupdict().get("seconds") or 0)
        if seconds < max(self.least, named):
            return False
        if told.status is None:
            return self.outcome not in _BEFORE_ANY_ANSWER
        # When upstream said so, it has said itself whether there is a time to come again.
        told_when = self.outcome not in _WITH_A_TIME or (told.retry_after or 0) >= 1
        return told_when and told.status == self._status(openai=told.openai)

    def _status(self, *, openai: bool) -> int:
        return 503 if openai and self.status == 529 else self.status

    def _type(self, *, openai: bool) -> str:
        if not openai:
            return _TYPES.get(self.status) or ("invalid_request_error" if self.status < 500 else "api_error")
        if self.status == 429:
            return "rate_limit_error"
        return "invalid_request_error" if self.status < 500 else "server_error"


def died(status: str, outcome: str = "failed as asked") -> Truth:
    """An instance ended by itself, with a status of this pattern."""
    return Truth(502, rf"the claude process exited with status ({status})(: .*)?", outcome)


_WHY_NO_START = "|".join(
    (
        r"the claude process exited with status (3: no luck|-9|-15|143)(: .*)?",
        r"the claude process wrote a line of 8 bytes that is not JSON: .*",
        rf"create took longer than {CREATE_TIMEOUT} s",
        r"resources end before their first use",
    )
)
OVER_LIMITS = (
    Truth(429, rf"this key may make no more than {PER_MINUTE} requests in a minute", "over its limits"),
    Truth(
        429,
        rf"this key may make no more than {AT_ONCE} requests under way at the same time",
        "over its limits",
    ),
)
TIMED_OUT = Truth(
    529,
    rf"all claude instances are busy: pool 'claude': no resource came free in (?P<seconds>{ACQUIRE_TIMEOUT}) s "
    r"\(.*\)",
    "overloaded",
)
SATURATED = Truth(
    529,
    rf"all claude instances are busy: pool 'claude': ({MAX_WAITING} acquires wait already|"
    r"its place in the line went to a tenant of which fewer wait) \(.*\)",
    "overloaded",
)
NO_START = Truth(529, rf"no claude process can be started: ({_WHY_NO_START})", "overloaded")
KILLED = died("-9|-15|143", "its instance was shot")
TOO_SLOW = Truth(
    504, r"the claude process gave no [\w -]+ within (?P<seconds>[\d.]+) s", "its instance was too slow"
)
OF_THE_POOL = (TIMED_OUT, SATURATED, NO_START)
OF_INSTANCES = (KILLED, TOO_SLOW)
