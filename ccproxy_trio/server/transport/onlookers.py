"""Answers that never end by themselves, or that a stranger gets, are for onlookers: they take nobody's place.

Rules:

* hypercorn lets answers under way finish when the server is to end. The first kind has no end, and would only use up
  the time that the others are given; so it asks when to end.
* Its connection counts as idle: when there are as many as the server takes, it gives way to a newcomer.
"""

from __future__ import annotations

from typing import Protocol, cast

import quart
import trio

CONNECTION = "ccproxy_trio.connection"
"""The key of a request's scope under which its connection stands."""


class Connection(Protocol):
    """What an answer may know and say of the connection that it goes out on."""

    async def until_server_ends(self) -> None:
        """Wait until the server takes no more requests, and waits for those under way."""
        ...

    def count_as_idle(self) -> None:
        """Give way to a newcomer from now on, if there are too many."""
        ...


class _Foreign:
    """Another server's, of which nothing is known."""

    async def until_server_ends(self) -> None:
        await trio.sleep_forever()

    def count_as_idle(self) -> None:
        return


def look_on() -> Connection:
    """Have the request under way be an onlooker's; its connection, for the answer to ask when to end."""
    connection = cast("Connection", quart.request.scope.get(CONNECTION, _Foreign()))
    connection.count_as_idle()
    return connection
