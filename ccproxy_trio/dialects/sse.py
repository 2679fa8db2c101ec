"""Server-sent events: framing an event as bytes, and reading events from bytes in any pieces.

The decoder follows the WHATWG specification's event stream interpretation: lines end with LF, CR or CRLF; one
leading byte order mark is skipped; a blank line dispatches what has gathered, if it has data; an event cut
short by the end of the stream is never seen. It acts on a CR at once, so that no event waits for the byte
after it. `retry` fields are skipped: nothing here reconnects.
"""

from __future__ import annotations

import re

from attrs import frozen

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@frozen
class ServerSentEvent:
    """One event of a stream."""

    name: str
    """The event's type; ``message`` where the stream gives none."""
    data: str
    """Its data lines, joined by LF."""
    last_event_id: str = ""
    """The id in force when it was dispatched."""


def encode_event(name: str, data: bytes) -> bytes:
    """Frame one event. `data` is UTF-8; its line breaks, of any kind, reach the reader as LF.

    Raises ValueError when `name` is empty or has a line break: the reader would see another event.
    """
    if not name or "\n" in name or "\r" in name:
        raise ValueError(f"an event's name must be one non-empty line, not {name!r}")
    if b"\n" in data or b"\r" in data:
        data = b"\ndata: ".join(_LINE_END.split(data))
    return b"event: %b\ndata: %b\n\n" % (name.encode(), data)


class EventDecoder:
    """Turns the bytes of an event stream, however they are split, into its events."""

    def __init__(self) -> None:
        self._tail: list[bytes] = []  # pieces of the line under way: joined once, when it ends
        self._skip_lf = False
        self._at_start = True
        self._name = ""
        self._data: list[str] = []
        self._last_event_id = ""

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """Take the next piece of the stream; return the events that it completes, in order."""
        if self._skip_lf and data:
            self._skip_lf = False
            data = data.removeprefix(b"\n")
        *ended, rest = _LINE_END.split(data)
        self._skip_lf = self._skip_lf or data.endswith(b"\r")
        events = []
        for line in ended:
            if self._tail:
                line = b"".join((*self._tail, line))
                self._tail.clear()
            if (event := self._take_line(line)) is not None:
                events.append(event)
        if rest:
            self._tail.append(rest)
        return events

    def _take_line(self, line: bytes) -> ServerSentEvent | None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        name, _, value = line.decode(errors="replace").partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._name = value
        elif name == "id" and "\0" not in value:
            self._last_event_id = value
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        name, self._name = self._name, ""
        data, self._data = self._data, []
        if not data:
            return None
        return ServerSentEvent(name or "message", "\n".join(data), self._last_event_id)
