"""An exchange without a child: what the CLI says, frame by frame, and a turn that has been asked for."""

from __future__ import annotations

from typing import Any

from ccproxy_trio.claude.exchange import Exchange
from ccproxy_trio.claude.frames import ControlResponse, Frame, Result, StreamEvent, Unknown

TEXT = [{"type": "text", "text": "hello"}]
INIT = Unknown("system", {"type": "system", "subtype": "init"})
DONE = Result(is_error=False, text="", num_turns=1, api_error_status=None)
APPENDED = Result(is_error=False, text="", num_turns=0, api_error_status=None)
ABORTED = Result(is_error=True, text="", num_turns=2, api_error_status=None)


def event(kind: str, **fields: Any) -> StreamEvent:
    """An event of the stream."""
    return StreamEvent({"type": kind, **fields})


def stop(reason: str | None) -> StreamEvent:
    """The event that tells why a message ended."""
    return event("message_delta", delta={"stop_reason": reason})


START, STOP = event("message_start"), event("message_stop")


def answered(request_id: str, **response: Any) -> ControlResponse:
    """The answer to a control request."""
    return ControlResponse(request_id, response, None)


def feed(exchange: Exchange, *frames: Frame) -> None:
    """Let the CLI say all of these."""
    for frame in frames:
        exchange.feed(frame)


def asked(*frames: Frame) -> Exchange:
    """An exchange whose turn was asked for, after these."""
    exchange = Exchange()
    exchange.ask(TEXT)
    feed(exchange, *frames)
    return exchange
