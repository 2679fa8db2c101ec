"""The answer to the last message of a conversation, while it comes: its events, and the bounds of its silences.

Rules:
* Whoever holds the lease reads, at its own pace. The time between two reads is no silence of the child's.
* What the CLI would do after the answer is kept from leaving it as soon as the answer has begun, and is broken off as
  soon as it has ended.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import trio

from .errors import InstanceDied, InstanceNonsense, InstanceSilent, OutOfTime, TurnFailed

if TYPE_CHECKING:
    from .instance import Instance, Timeouts


class Turn:
    """The answer under way, as the upstream API's own events."""

    def __init__(self, instance: Instance, timeouts: Timeouts, deadline: float) -> None:
        self._instance = instance
        self._deadline = deadline
        self._stall = timeouts.stall
        self._silence = timeouts.first_event
        self._quiet_at: float | None = trio.current_time() + timeouts.first_event
        self._turn = timeouts.turn
        self._late_at = trio.current_time() + timeouts.turn

    async def receive(self) -> list[dict[str, Any]]:
        """The events that are ready, at least one; an empty list after `message_stop`.

        Raises TurnFailed when the upstream API refused or broke off, OutOfTime at the deadline, InstanceDied,
        InstanceSilent or InstanceNonsense. A cancelled call loses nothing. The time between two calls is no silence
        of the child's.
        """
        exchange = self._instance.exchange
        if self._quiet_at is None:
            self._quiet_at = trio.current_time() + self._stall
        until = min(self._quiet_at, self._late_at, self._deadline)
        with trio.move_on_at(until):
            while True:
                # A child that has died does nothing more by itself; what it had said may be a whole answer.
                with suppress(InstanceDied, InstanceNonsense):
                    if exchange.would_go_on:
                        await self._instance.send_rewind()
                    elif exchange.streaming:
                        await self._instance.hold_back()
                if events := exchange.take_events():
                    self._silence, self._quiet_at = self._stall, None
                    return events
                if exchange.failure is not None:
                    raise TurnFailed(exchange.failure)
                if exchange.finished:
                    return []
                await self._instance.receive()
        if until == self._deadline:
            raise OutOfTime("it was answered")
        if until == self._late_at:
            raise InstanceSilent("whole answer", self._turn)
        raise InstanceSilent("event", self._silence)
