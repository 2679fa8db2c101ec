"""How many connections there may be at once, and who gives way when there are more.

Rules:

* A newcomer to a full house takes the place of the connection that has been idle for the longest, if that is for
  `IDLE_ENOUGH` seconds at least. Idle is a connection without a request, or with one whose head has not come to its
  end: whoever opens connections and says nothing keeps nobody out. So is one whose answer is for an onlooker, since
  its last answer that was for anybody else: an onlooker that asks again and again keeps nobody out, either.
* If there is none, the newcomer is to be told so. For that it stays for a moment, as one of `MOST_TOLD`.
* Any further newcomer is to be closed without a word.
"""

import logging
import math
from enum import Enum, auto
from typing import Protocol

import trio

IDLE_ENOUGH = 1.0
MOST_TOLD = 100

log = logging.getLogger("ccproxy_trio.server")


class Welcome(Enum):
    """What becomes of a newcomer."""

    SERVED = auto()
    TOLD = auto()
    """That there are too many."""
    SHUT_OUT = auto()


class Connection(Protocol):
    """What the crowd knows of a connection."""

    def give_way(self) -> None:
        """End soon, without an answer to a request that has not wholly come, or the rest of an onlooker's."""
        ...


class Crowd:
    """The connections of one server, `limit` at most."""

    def __init__(self, limit: float = math.inf) -> None:
        self._limit = limit
        self._served: set[Connection] = set()
        self._told: set[Connection] = set()
        self._idle: dict[Connection, float] = {}  # and since when
        self._warned = False

    def enter(self, newcomer: Connection) -> Welcome:
        """Take in a newcomer, which is idle at first; `leave` must follow."""
        if len(self._served) >= self._limit and not self._make_room():
            self._warn()
            if len(self._told) >= MOST_TOLD:
                return Welcome.SHUT_OUT
            self._told.add(newcomer)
            return Welcome.TOLD
        self._served.add(newcomer)
        self.note_idle(newcomer, trio.current_time())
        return Welcome.SERVED

    def leave(self, connection: Connection) -> None:
        """Take note that it is closed."""
        self._served.discard(connection)
        self._told.discard(connection)
        self._idle.pop(connection, None)

    def note_idle(self, connection: Connection, since: float) -> None:
        """Take note that it waits for a request, or looks on, `since` that moment of trio's."""
        if connection in self._served:
            self._idle[connection] = since

    def note_busy(self, connection: Connection) -> None:
        """Take note that a request of its has come."""
        self._idle.pop(connection, None)

    def _make_room(self) -> bool:
        longest = min(self._idle, key=self._idle.__getitem__, default=None)
        if longest is None or self._idle[longest] > trio.current_time() - IDLE_ENOUGH:
            return False
        self.leave(longest)
        longest.give_way()
        return True

    def _warn(self) -> None:
        if not self._warned:
            log.warning("refused a connection: there are %s already, and none of them is idle", self._limit)
            self._warned = True
