"""From raw stream events of the Messages API to the events of a response.

    message_start, then for each block content_block_start, content_block_delta *, content_block_stop,
    then message_delta +, message_stop

One item is open at a time, and it is closed when the next begins or the message ends: only then it is known whether
it is complete, and whether more text belongs to it. A message begins with its first character, so that none is empty.
The last event has the whole response; but for the arguments of calls, which are the text as it came, it is the
translation of the whole message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from ccproxy_trio.dialects.anthropic.events import InvalidStream
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.completion import explanation
from ccproxy_trio.dialects.openai.errors import error_kind
from ccproxy_trio.dialects.openai.responses.open_items import OpenCall, OpenMessage, OpenReasoning
from ccproxy_trio.dialects.openai.responses.response import (
    TEXT,
    finished_response,
    item_id,
    item_status,
    response_object,
)
from ccproxy_trio.dialects.openai.responses.thoughts import KINDS
from ccproxy_trio.dialects.sse import encode_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from ccproxy_trio.dialects.openai.errors import Told
    from ccproxy_trio.dialects.openai.responses.request import ResponsesRequest

    OpenItem: TypeAlias = OpenCall | OpenMessage | OpenReasoning

Json = dict[str, Any]

_FAILED = {"rate_limit_exceeded": "rate_limit_exceeded", "insufficient_quota": "rate_limit_exceeded"}
"""The code of a failed response, of which there are few, by that of the error."""


def encode_response_event(event: Json) -> bytes:
    """Frame one event of a stream."""
    return encode_event(event["type"], orjson.dumps(event))


class ResponseStream:
    """Turns the events of one answer into those of a response."""

    def __init__(self, request: ResponsesRequest, clock: Callable[[], int]) -> None:
        """The `clock` tells the time, in seconds since 1970; a response is created now."""
        self._request = request
        self._clock = clock
        self._created = clock()
        self._message: Json | None = None
        self._output: list[Json] = []
        self._open: OpenItem | None = None
        self._block: Json = {}
        self._number = 0
        self.done = False
        """Whether the last event has been returned."""

    def feed(self, event: Json) -> list[Json]:
        """Take the next event; return the events that it makes, in order.

        Raises InvalidStream for an event that is not what it says it is; then only `fail` is of use.
        """
        kind = event.get("type")
        try:
            match kind:
                case "message_start":
                    return self._start_message(event["message"])
                case "content_block_start":
                    return self._start_block(event["content_block"])
                case "content_block_delta":
                    return self._extend_block(event["delta"])
                case "content_block_stop":
                    self._block = {}
                case "message_delta":
                    message = self._started()
                    message.update(_known(event["delta"]))
                    message["usage"].update(_known(event["usage"]))
                case "message_stop":
                    return self._stop_message()
                case "error":
                    raise InvalidStream(f"the stream holds an error: {event.get('error')!r:.500}")
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidStream(f"{kind}: malformed event: {error!r}") from error
        return []

    def fail(self, error: Told) -> list[Json]:
        """What ends a stream which `error` has cut: the official client raises it. Nothing, if it had ended."""
        if self.done:
            return []
        kind = error_kind(error, "input")
        text = str(error) if isinstance(error, InvalidRequest) else error.message
        # A message may quote what a process wrote, and so hold surrogates that are no UTF-8.
        message = text.encode(errors="replace").decode()
        reason = kind.code or kind.type
        told = {"code": reason, "message": message, "param": kind.param}
        # Flat as the API's reference has it, and nested as the API sends it and its client raises it.
        events = [{"type": "error", **told, "error": {"type": kind.type, **told}}]
        if self._message is not None:
            code = _FAILED.get(reason, "invalid_prompt" if kind.status < 500 else "server_error")
            response = self._response("failed", [*self._output])
            response["error"] = {"code": code, "message": message}
            events.insert(0, {"type": "response.failed", "response": response})
        self.done = True
        return self._numbered(events)

    def _start_message(self, message: Json) -> list[Json]:
        if self._message is not None:
            raise InvalidStream("a second message_start")
        self._message = {**message, "usage": {**message["usage"]}}
        return self._numbered(
            [
                {"type": f"response.{kind}", "response": self._response("in_progress", [])}
                for kind in ("created", "in_progress")
            ]
        )

    def _start_block(self, block: Json) -> list[Json]:
        self._started()
        self._block = block
        match block["type"]:
            case "text":
                return self._say(block["text"])
            case "tool_use":
                return [*self._end("completed"), *self._begin(OpenCall(self._name(block), block))]
            case kind if kind in KINDS:
                ended = self._end("completed")
                item = OpenReasoning(self._name(block), block, summary=self._request.summary)
                return [*ended, *self._begin(item)]
        return []

    def _extend_block(self, delta: Json) -> list[Json]:
        self._started()
        match self._block["type"]:
            case "text" if delta["type"] == "text_delta":
                return self._say(delta["text"])
            case kind if isinstance(self._open, OpenCall | OpenReasoning) and kind in (*KINDS, "tool_use"):
                return self._placed(self._open.extend(delta))
        return []

    def _say(self, text: str) -> list[Json]:
        if not text:
            return []
        begun, message = self._open_message("completed")
        return [*begun, *self._placed(message.extend(text))]

    def _stop_message(self) -> list[Json]:
        message = self._started()
        if message.get("stop_reason") is None:
            raise InvalidStream("message_stop without a stop_reason before it")
        status = item_status(message)
        events = []
        if refusal := explanation(message.get("stop_details")):
            begun, last = self._open_message(status)
            events = [*begun, *self._placed(last.refuse(refusal))]
        events += self._end(status)
        response = finished_response(message, self._request, self._created, self._clock(), self._output)
        events += self._numbered([{"type": f"response.{response['status']}", "response": response}])
        self.done = True
        return events

    def _open_message(self, status: str) -> tuple[list[Json], OpenMessage]:
        """The open message; or the events of the end, with that status, of what was open, and a new message."""
        if isinstance(self._open, OpenMessage):
            return [], self._open
        ended = self._end(status)
        item = OpenMessage(self._name(TEXT))
        return [*ended, *self._begin(item)], item

    def _begin(self, item: OpenItem) -> list[Json]:
        self._open = item
        return self._placed(item.begin())

    def _end(self, status: str) -> list[Json]:
        if self._open is None:
            return []
        item, said = self._open.end(status)
        events = self._placed(said)
        self._output.append(item)
        self._open = None
        return events

    def _name(self, block: Json) -> str:
        return item_id(self._started(), block, len(self._output))

    def _response(self, status: str, output: list[Json]) -> Json:
        return response_object(self._started(), self._request, self._created, status, output)

    def _started(self) -> Json:
        if self._message is None or self.done:
            raise InvalidStream("an event came outside of the message")
        return self._message

    def _placed(self, events: list[Json]) -> list[Json]:
        return self._numbered([{**event, "output_index": len(self._output)} for event in events])

    def _numbered(self, events: list[Json]) -> list[Json]:
        first, self._number = self._number, self._number + len(events)
        return [{**event, "sequence_number": first + n} for n, event in enumerate(events)]


def _known(news: Json) -> Json:
    # What does not apply at the end is null there, and the value of the start stands.
    return {key: value for key, value in news.items() if value is not None}
