"""What an answer says, in whatever API: its text, that it is whole, or what failed. Anything out of shape is a lie.

It is read by hand, and not by the server's own decoders: what is tested must not judge itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .drawing import Dialect

Json = dict[str, Any]
_DONE = b"data: [DONE]"
_PINGS = (b": ping", b'event: ping\ndata: {"type": "ping"}')


class Lie(Exception):
    """What was answered cannot be true."""


@frozen
class Told:
    """A failure, as it was told."""

    openai: bool
    status: int | None
    """None in the middle of a stream."""
    type: str
    message: str
    retry_after: float | None = None


@frozen
class Heard:
    """A whole answer, or a failure."""

    text: str = ""
    calls: tuple[str, ...] = ()
    """The names of the tools that are called."""
    whole: Json | None = None
    """The answer as one object, if it was not streamed."""
    told: Told | None = None


def hear(dialect: Dialect, status: int, headers: Mapping[str, str], body: bytes) -> Heard:
    """Read an answer that has come to its end. Raises Lie."""
    try:
        if status != 200:
            return Heard(told=_told_by_status(status, headers, json.loads(body)))
        if headers["content-type"].startswith("text/event-stream"):
            return _hear_stream(dialect, body)
        answer = json.loads(body)
        return Heard(_text_of(dialect, answer), _calls_of(dialect, answer), answer)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        raise Lie(f"an answer out of shape: {error!r}: {body[:300]!r}") from error


def _told_by_status(status: int, headers: Mapping[str, str], answer: Json) -> Told:
    retry_after = float(headers["retry-after"]) if "retry-after" in headers else None
    error = answer["error"]
    if "request_id" in answer:
        _require(answer.keys() == {"type", "error", "request_id"}, f"an error with {[*answer]}")
        _require(answer["request_id"] == headers["request-id"], "an error with another request's id")
        return Told(False, status, error["type"], error["message"], retry_after)
    _require(error.keys() == {"message", "type", "param", "code"}, f"an error with {[*error]}")
    _require(headers["x-request-id"].startswith("req_"), "an error without a request's id")
    return Told(True, status, error["type"], error["message"], retry_after)


def _hear_stream(dialect: Dialect, body: bytes) -> Heard:
    *frames, rest = body.split(b"\n\n")
    _require(rest == b"", f"a stream that ends in half an event: {rest[-200:]!r}")
    frames = [frame for frame in frames if frame not in _PINGS]
    match dialect:
        case "messages":
            return _hear_messages([_event(frame) for frame in frames])
        case "chat":
            return _hear_chunks(frames)
    return _hear_response([_event(frame) for frame in frames])


def _event(frame: bytes) -> Json:
    name, data = frame.split(b"\n")
    event: Json = json.loads(data.removeprefix(b"data: "))
    _require(name.decode() == f"event: {event['type']}", f"an event under another name: {frame[:200]!r}")
    return event


def _hear_messages(events: list[Json]) -> Heard:
    kinds = [event["type"] for event in events]
    _require(kinds[0] == "message_start" and kinds.count("message_start") == 1, f"a stream of {kinds[:3]}")
    _require(not {"message_stop", "error"} & {*kinds[:-1]}, "a stream that goes on behind its end")
    if kinds[-1] == "error":
        error = events[-1]["error"]
        return Heard(told=Told(False, None, error["type"], error["message"]))
    _require(kinds[-1] == "message_stop", f"a stream that ends with {kinds[-1]}")
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    stops = [event["delta"]["stop_reason"] for event in events if event["type"] == "message_delta"]
    starts = [event["content_block"] for event in events if event["type"] == "content_block_start"]
    _require(len(stops) == 1 and stops[0] is not None, f"a message with the stop reasons {stops}")
    text = "".join(delta.get("text", "") for delta in deltas)
    return Heard(text, _calls_of("messages", {"content": starts}))


def _hear_chunks(frames: list[bytes]) -> Heard:
    done = frames[-1] == _DONE
    chunks = [json.loads(frame.removeprefix(b"data: ")) for frame in frames if frame != _DONE]
    _require(frames.count(_DONE) == done, "a stream that goes on behind its end")
    _require(not any("error" in chunk for chunk in chunks[:-1]), "a stream that goes on behind its error")
    if "error" in chunks[-1]:
        error = chunks[-1]["error"]
        _require(not done, "a clean end of a broken stream")
        return Heard(told=Told(True, None, error["type"], error["message"]))
    _require(done, "a stream without an end")
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    finished = [choice["finish_reason"] for choice in choices if choice["finish_reason"] is not None]
    _require(len(finished) == 1, f"a stream with the finish reasons {finished}")
    deltas = [choice["delta"] for choice in choices]
    calls = [call["function"] for delta in deltas for call in delta.get("tool_calls", ())]
    names = tuple(call["name"] for call in calls if "name" in call)
    return Heard("".join(delta.get("content") or "" for delta in deltas), names)


def _hear_response(events: list[Json]) -> Heard:
    _require(
        [event["sequence_number"] for event in events] == [*range(len(events))], "events out of sequence"
    )
    kinds = [event["type"] for event in events]
    ends = {"response.completed", "response.incomplete", "response.failed"}
    if kinds[-1] == "error":
        _require(not ends & {*kinds[:-2]}, "a stream that goes on behind its end")
        _require(kinds[-2] == "response.failed", "an error in a response that has not failed")
        error = events[-1]["error"]
        return Heard(told=Told(True, None, error["type"], error["message"]))
    _require(not ends & {*kinds[:-1]}, "a stream that goes on behind its end")
    _require(kinds[-1] in ends - {"response.failed"}, f"a stream that ends with {kinds[-1]}")
    response = events[-1]["response"]
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    text = _text_of("responses", response)
    _require("".join(deltas) == text, "another text in the pieces than in the whole")
    return Heard(text, _calls_of("responses", response))


def _text_of(dialect: Dialect, answer: Json) -> str:
    match dialect:
        case "messages":
            return "".join(block["text"] for block in answer["content"] if block["type"] == "text")
        case "chat":
            return str(answer["choices"][0]["message"]["content"] or "")
        case "responses":
            parts = [
                part for item in answer["output"] if item["type"] == "message" for part in item["content"]
            ]
            return "".join(part["text"] for part in parts)
    return ""


def _calls_of(dialect: Dialect, answer: Json) -> tuple[str, ...]:
    match dialect:
        case "messages":
            return tuple(block["name"] for block in answer["content"] if block["type"] == "tool_use")
        case "chat":
            calls = answer["choices"][0]["message"].get("tool_calls") or ()
            return tuple(call["function"]["name"] for call in calls)
        case "responses":
            return tuple(item["name"] for item in answer["output"] if item["type"] == "function_call")
    return ()


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Lie(otherwise)
