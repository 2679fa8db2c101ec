"""How one conversation goes: when each of its stages begins, and what upstream tells that it took.

Whoever asks may give a `Stages` along. It is filled while the conversation is under way, so that it tells how far
that came, however it ends. Where another instance is asked, what the first one took is part of the queue.

    queue    an instance is waited for
    prepare  the instance takes in the settings and the system prompt
    history  it takes in the messages before the last one
    turn     the last one is asked, until the first event of the answer
    relay    the answer is read
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import trio
from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping
    from typing import Any

Stage: TypeAlias = Literal["queue", "prepare", "history", "turn", "relay"]

_COUNTS = {
    "input_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation_input_tokens": "cache_creation_tokens",
}


@define
class Account:
    """What upstream tells of one answer, as far as it has come; None is what it has not told."""

    request_id: str | None = None
    """Its id of the request, from the end of the answer's first block on."""
    input_tokens: int | None = None
    """Without those that were read from the cache or put there."""
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    dollars: float = 0.0
    """What it costs by the CLI's reckoning, which comes when the turn has ended: mostly after the answer."""
    _tell: Callable[[float], object] | None = field(default=None, init=False, eq=False, repr=False)

    def spend(self, dollars: float) -> None:
        """Add to what it costs."""
        self.dollars += dollars
        if self._tell is not None:
            self._tell(dollars)

    def on_spending(self, tell: Callable[[float], object]) -> None:
        """Have `tell` called with what was spent so far, if anything was, and with whatever will be."""
        self._tell = tell
        if self.dollars:
            tell(self.dollars)

    def count(self, usage: object) -> None:
        """Take the `usage` of an event; what is told last counts."""
        if isinstance(usage, dict):
            self._take(usage)

    def _take(self, usage: Mapping[str, Any]) -> None:
        for told, kept in _COUNTS.items():
            value = usage.get(told)
            if isinstance(value, int):
                setattr(self, kept, value)


@define(eq=False)
class Stages:
    """The stages of one conversation; times are trio's."""

    label: Hashable = None
    """What the pool's events of its lease are to bear."""
    account: Account = field(factory=Account)
    first_token: float | None = None
    """When the first piece of the answer's content came."""
    ended: float | None = None
    _began: dict[Stage, float] = field(factory=dict, init=False)

    def enter(self, stage: Stage) -> None:
        """Begin a stage, and end the one before. One that is entered again goes on; those after it are forgotten."""
        if stage in self._began:
            while next(reversed(self._began)) != stage:
                self._began.popitem()
        else:
            self._began[stage] = trio.current_time()
        self.ended = None

    def end(self) -> None:
        """Note that the answer has ended, or is given up; the first time counts."""
        if self.ended is None and self._began:
            self.ended = trio.current_time()

    def spans(self) -> list[tuple[Stage, float, float | None]]:
        """The stages so far, each with its beginning and its end; one that is under way has none."""
        times = [*self._began.values(), self.ended]
        return [
            (stage, began, end) for (stage, began), end in zip(self._began.items(), times[1:], strict=True)
        ]
