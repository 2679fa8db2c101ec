"""What is to be known of one request, filled while it is under way.

It shows nothing that a client wrote: what stands in it is ours, upstream's, or the name of a key or model. A name
that is not known is "other", so that there are never many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TypeAlias

import trio
from attrs import define, field

if TYPE_CHECKING:
    from ccproxy_trio.claude.stages import Stages

    from .trace_context import TraceContext

Outcome: TypeAlias = Literal["ok", "refused", "failed", "late", "left"]
"""How a request ends: its answer was sent; that was a status from 400 to 499; it failed, before its head or after;
its time was over; or its client left, or took no more, before all was sent."""


@define(eq=False, kw_only=True)
class RequestRecord:
    """All that is to be known of one request. Times are trio's, in seconds."""

    id: str
    """The id that lines of the log about it bear; clients are told it too, unless upstream gave one."""
    method: str
    endpoint: str
    """The route's rule, such as `/v1/models/<path:name>`; "other" where there is none."""
    dialect: Literal["anthropic", "openai"]
    began: float
    stages: Stages
    """Those of the conversation, none when nothing was asked; its `account` has tokens and upstream's id."""
    key: str | None = None
    """The name of the caller's key."""
    model: str | None = None
    """What the CLI was asked for, when the record has ended; None when no model was asked for."""
    stream: bool = False
    status: int | None = None
    """The answer's; None when the client left before there was one."""
    error: str | None = None
    """The kind of what went wrong, by its class in the server."""
    ended: float | None = None
    """None while it is under way."""
    outcome: Outcome | None = None
    """None while it is under way."""
    upstream_id: str | None = None
    """Upstream's id of the request; None until the record has ended, and if upstream told none."""
    wanted: str | None = field(default=None, repr=False)
    """The model by the CLI's name, which may be what the client wrote: for nobody to see."""
    trace: TraceContext | None = field(default=None, repr=False)
    """Where it belongs in its client's trace: nothing but the identifiers that the client has made, for tracers."""
    broke_off: bool = False
    """Whether the answer failed after its head had gone out."""

    @property
    def duration(self) -> float:
        """Seconds from its head to its end, or until now."""
        return (trio.current_time() if self.ended is None else self.ended) - self.began

    @property
    def time_to_first_token(self) -> float | None:
        """Seconds from its head to the first piece of content; None if there was none."""
        first = self.stages.first_token
        return None if first is None else first - self.began

    def fail(self, error: BaseException, upstream_id: str | None = None) -> None:
        """Note what went wrong, and the id under which upstream knows of it."""
        self.error = type(error).__name__
        self.upstream_id = upstream_id
        self.broke_off = self.status is not None


Observer: TypeAlias = Callable[[RequestRecord], object]
"""Told of each record when it has ended."""
