"""The instances that went last, and why: the latest few, noted as the pool tells of them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from ccproxy_trio.pool import ResourceGone, ResourceRetired, RetireReason

if TYPE_CHECKING:
    from ccproxy_trio.pool import PoolEvent

KEPT = 20

_WORTH_TELLING = {
    RetireReason.BROKEN,
    RetireReason.DIED,
    RetireReason.RESET_FAILED,
    RetireReason.UNHEALTHY,
}
_LONGEST = 200
"""Characters of a cause."""


class Retirements:
    """The latest of one pool."""

    def __init__(self) -> None:
        self._going: dict[int, ResourceRetired] = {}
        self._gone: deque[tuple[float, dict[str, Any]]] = deque(maxlen=KEPT)

    def note(self, event: PoolEvent) -> None:
        """As an observer of the pool."""
        if isinstance(event, ResourceRetired):
            self._going[event.id] = event
        elif isinstance(event, ResourceGone) and (retired := self._going.pop(event.id, None)) is not None:
            self._gone.append((retired.time, _describe(retired, event)))

    def latest(self, start: float) -> dict[str, dict[str, Any]]:
        """Each, by the number of its instance; times count from `start`."""
        return {str(each["id"]): {**each, "at": round(at - start, 3)} for at, each in self._gone}


def _describe(retired: ResourceRetired, gone: ResourceGone) -> dict[str, Any]:
    told = {"id": gone.id, "reason": retired.reason.value, "uses": gone.uses, "age": round(gone.age, 3)}
    # The texts of such errors are fit for logs: they quote nothing of a conversation.
    if retired.cause is not None and retired.reason in _WORTH_TELLING:
        told["cause"] = str(retired.cause)[:_LONGEST]
    return told
