"""The CLI's stream-json protocol, pure: bytes to lines, lines to frames, and the frames that are sent.

Rules:
* A frame is one JSON object on one line ended by a newline, in both directions.
* Kinds and subtypes that are not known here become `Unknown` and are no error: they change with the version.
* A line may be long (an image, a whole document) but not endless: past `max_line` bytes it is an error.
* An error names what is wrong with a line and never quotes it: a line may hold somebody's conversation.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

import orjson
from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_T = TypeVar("_T")

MAX_LINE = 64 * 2**20
"""Bytes of the longest line that is accepted from the CLI."""


class FrameError(ValueError):
    """The child wrote something that is no frame."""


class LineSplitter:
    """Cuts a byte stream into lines, in time linear in its length however it arrives."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max_line = max_line
        self._parts: list[bytes] = []  # of the unfinished line; joined once, when it ends
        self._held = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes. Raises FrameError for a line above the limit."""
        *ended, tail = chunk.split(b"\n")
        if ended and self._parts:
            ended[0] = b"".join((*self._parts, ended[0]))
            self._parts.clear()
            self._held = 0
        if tail:
            self._parts.append(tail)
            self._held += len(tail)
        if self._held > self._max_line or any(len(line) > self._max_line for line in ended):
            raise FrameError(f"a line longer than {self._max_line} bytes")
        return ended


@frozen
class StreamEvent:
    """One raw event of the upstream Messages stream; `message_start` names the user message it answers."""

    event: dict[str, Any]
    user_uuid: str | None = None


@frozen
class ControlResponse:
    """The answer to a control request; `error` is None on success."""

    request_id: str
    response: dict[str, Any]
    error: str | None


@frozen
class ControlRequest:
    """The CLI asks something of us and waits for the answer."""

    request_id: str
    subtype: str


@frozen
class ErrorNote:
    """A synthetic assistant message by which the CLI tells of an upstream failure."""

    error: str
    text: str
    api_error_status: int | None
    api_error_type: str | None
    request_id: str | None


@frozen
class RateLimit:
    """What the CLI's login is limited to changed; `resets_at` is a Unix time."""

    rejected: bool
    resets_at: float | None


@frozen
class Result:
    """The end of a turn, or, with `num_turns` 0, of a message that was only appended to the history."""

    is_error: bool
    text: str
    num_turns: int
    api_error_status: int | None
    spent: float | None = None
    """Dollars that the process has cost since it started, as it reckons; None when it does not say."""


@frozen
class Unknown:
    """Any other frame."""

    kind: str
    data: dict[str, Any] = field(repr=False)


Frame = StreamEvent | ControlResponse | ControlRequest | ErrorNote | RateLimit | Result | Unknown


def parse_frame(line: bytes) -> Frame:
    """Decode one line. Raises FrameError when it is no JSON object, or a known kind lacks what it needs."""
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FrameError(f"a line of {len(line)} bytes that is not JSON: {error.msg}") from None
    if not isinstance(data, dict):
        raise FrameError(f"a JSON {type(data).__name__} where an object is due")
    kind = data.get("type")
    try:
        match kind:
            case "stream_event":
                return _stream_event(data)
            case "control_response":
                return _control_response(data["response"])
            case "control_request":
                return ControlRequest(_text(data["request_id"]), _text(data["request"]["subtype"]))
            case "assistant" if isinstance(data.get("error"), str):
                return _error_note(data)
            case "rate_limit_event":
                info = data["rate_limit_info"]
                return RateLimit(info["status"] == "rejected", _optional(info.get("resetsAt"), int))
            case "result":
                return _result(data)
            case _:
                return Unknown(kind if isinstance(kind, str) else "", data)
    except (KeyError, TypeError) as error:
        raise FrameError(f"a frame of type {kind} without a proper {error}") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("string")
    return value


def _optional(value: object, kind: type[_T]) -> _T | None:
    return value if isinstance(value, kind) else None


def _stream_event(data: dict[str, Any]) -> StreamEvent:
    event = data["event"]
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise TypeError("event")
    return StreamEvent(event, _optional(data.get("user_message_uuid"), str))


def _control_response(response: dict[str, Any]) -> ControlResponse:
    failed = response["subtype"] != "success"
    payload = response.get("response")
    return ControlResponse(
        request_id=_text(response["request_id"]),
        response=payload if isinstance(payload, dict) else {},
        error=str(response.get("error", "no reason given")) if failed else None,
    )


def _error_note(data: dict[str, Any]) -> ErrorNote:
    texts = [block.get("text") for block in data["message"]["content"] if isinstance(block, dict)]
    return ErrorNote(
        error=data["error"],
        text="\n".join(text for text in texts if isinstance(text, str)),
        api_error_status=_optional(data.get("api_error_status"), int),
        api_error_type=_optional(data.get("api_error_type"), str),
        request_id=_optional(data.get("request_id"), str),
    )


def _result(data: dict[str, Any]) -> Result:
    return Result(
        is_error=data["is_error"] is True,
        text=_optional(data.get("result"), str) or "",
        num_turns=data["num_turns"] if isinstance(data.get("num_turns"), int) else 1,
        api_error_status=_optional(data.get("api_error_status"), int),
        spent=_amount(data.get("total_cost_usd")),
    )


def _amount(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        return None
    return float(value)


def encode(frame: dict[str, Any]) -> bytes:
    """One frame as the line to be written."""
    return orjson.dumps(frame) + b"\n"


def user_frame(content: Sequence[Mapping[str, Any]], uuid: str, *, query: bool) -> bytes:
    """A user message; with `query` it starts a turn, without it is only appended to the history."""
    frame: dict[str, Any] = {
        "type": "user",
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
        "session_id": "",
        "uuid": uuid,
        # Without this an `@/path` in a client's text makes the CLI read files of the server's machine.
        "client_composed": True,
    }
    if not query:
        frame["shouldQuery"] = False
    return encode(frame)


def assistant_frame(content: Sequence[Mapping[str, Any]], model: str) -> bytes:
    """An assistant message of the history. It is appended at once and not answered."""
    message = {"role": "assistant", "model": model, "content": content}
    return encode({"type": "assistant", "message": message, "parent_tool_use_id": None})


def control_frame(request_id: str, subtype: str, **fields: Any) -> bytes:
    """A control request; its answer carries the same `request_id`."""
    request = {"subtype": subtype, **fields}
    return encode({"type": "control_request", "request_id": request_id, "request": request})


def refusal_frame(request_id: str) -> bytes:
    """The answer to a control request of the CLI's that has no place here, so that it does not wait for one."""
    response = {"subtype": "error", "request_id": request_id, "error": "not supported by this host"}
    return encode({"type": "control_response", "response": response})
