"""An answer from a pooled instance: the turn, and the loan of the instance, which ends with it or before.

Rules:

* An instance that failed is marked to end; any other goes back as it is, whatever was under way.
* Whoever reads an answer may be stuck elsewhere, with a client that takes nothing. So another task can give the
  instance back, at the deadline; from then on nothing of the instance is looked at, as it is somebody else's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import trio
from trio_util import AsyncBool

from ccproxy_trio.dialects.anthropic.events import InvalidStream, MessageAssembler
from ccproxy_trio.pool import Lease, RetireReason

from .errors import InstanceDied, InstanceError, InstanceNonsense, OutOfTime

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AsyncExitStack

    from ccproxy_trio.dialects.anthropic.request import MessagesRequest

    from .instance import Instance
    from .stages import Stages
    from .turn import Turn


class Answer:
    """The answer under way, as the upstream API's own events. Iterate over it, or take the whole `message()`.

    Raises while it is read: TurnFailed when the upstream API refused or broke off (its `failure` has the status and
    what to say), OutOfTime at the deadline, InstanceError when the CLI died, fell silent or broke its protocol.
    """

    def __init__(self, loan: AsyncExitStack, lease: Lease[Instance], stages: Stages) -> None:
        """Made by `ClaudePool.stream`."""
        self.stages = stages
        """How it goes: times, tokens, and upstream's id of the request."""
        self._loan = loan
        self._lease = lease
        self._turn: Turn | None = None
        self._ready: list[dict[str, Any]] = []
        self._reading = AsyncBool()
        self._whole = False  # its last event has come
        self._given_up = False

    async def begin(self, request: MessagesRequest, model: str, deadline: float) -> None:
        """Ask, and wait for the first event."""
        try:
            self._turn = await self._lease.value.begin(request, model, deadline, self.stages)
            self._ready = await self._turn.receive()
        except InstanceError as error:
            retire(self._lease, error)
            raise
        self.stages.enter("relay")
        self._look_at(self._ready)

    async def receive(self) -> list[dict[str, Any]]:
        """The next events, those that are ready together; none after the last. A cancelled call loses nothing."""
        if self._ready:
            await trio.lowlevel.checkpoint_if_cancelled()
            ready, self._ready = self._ready, []
            return ready
        if self._given_up:
            await trio.lowlevel.checkpoint()
            if not self._whole:
                raise OutOfTime("its answer was sent to a client that takes it slowly")
            return []
        return await self._take()

    async def _take(self) -> list[dict[str, Any]]:
        if self._turn is None:
            raise RuntimeError("the turn was not begun")
        self._reading.value = True
        try:
            events = await self._turn.receive()
        except InstanceError as error:
            retire(self._lease, error)
            raise
        finally:
            self._reading.value = False
        self._look_at(events)
        return events

    def _look_at(self, events: Sequence[dict[str, Any]]) -> None:
        self._whole = self._whole or (bool(events) and events[-1]["type"] == "message_stop")
        if self.stages.first_token is None and any(
            event["type"] == "content_block_delta" for event in events
        ):
            self.stages.first_token = trio.current_time()

    async def give_up(self) -> None:
        """Give the instance back, by whatever task; if a `receive` is under way, when that ends, however it does.

        From then on `receive` gives what had come, and raises OutOfTime if that is not the whole answer.
        """
        self._given_up = True
        self.stages.end()
        await self._reading.wait_value(False)
        await self._loan.aclose()

    @property
    def request_id(self) -> str | None:
        """Upstream's id of the request; None until the first block of the answer has ended."""
        return self.stages.account.request_id

    def __aiter__(self) -> Answer:
        """The events one by one, from `message_start` to `message_stop`."""
        return self

    async def __anext__(self) -> dict[str, Any]:
        """The next event."""
        events = await self.receive()
        if not events:
            raise StopAsyncIteration
        event, *self._ready = events
        return event

    async def message(self) -> dict[str, Any]:
        """The whole message, as the API would answer without streaming; for an answer not yet read from."""
        assembler = MessageAssembler()
        try:
            while events := await self.receive():
                for event in events:
                    if message := assembler.feed(event):
                        return message
        except InvalidStream as error:
            nonsense = InstanceNonsense("the claude process sent events that are no message", str(error))
            retire(self._lease, nonsense)
            raise nonsense from error
        raise InstanceNonsense("the answer was read before")


def retire(lease: Lease[Instance], error: InstanceError) -> None:
    """End the instance now: to rewind it would be in vain."""
    lease.retire(RetireReason.DIED if isinstance(error, InstanceDied) else RetireReason.BROKEN)
