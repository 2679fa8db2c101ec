"""What is answered: a pure function of the request, so that a test can say in advance what it will read.

An answer is `Demo echo: ` and the text of the last user message. A directive anywhere in that text,
`[[key=value; key=value]]`, changes it and is not echoed. A value is JSON when it parses as JSON, else a
plain string; a key alone is true:

=================  ================================================================================
status=429         fail with this HTTP status and the API's error body
retry_after=7      with `status`: send this `retry-after` header
message=TEXT       with `status` or `error`: the error's message
delay=0.5          seconds before the first byte
deltas=20          text deltas to send (default 5); a shorter text is padded with dots
gap=0.1            seconds after each delta
text=TEXT          answer this instead of the echo
stop=refusal       the stop_reason of the answer
tool=NAME,NAME     end with a call of these tools, unless the last message carries a tool_result
input={"x":1}      with `tool`: the input of the calls (no `;` and no `]]` inside)
thinking=TEXT      put a thinking block first
dump               answer with the request body as JSON, exactly as it was received
error=TYPE         an `error` event of this type (overloaded_error, …) in mid-stream, then the end
cut                close the connection in mid-stream
hang               send nothing more, and keep the connection open
at=N               when error, cut, hang and the faults of the stand-in happen: after N events
                   (default 5, in the middle of the text; 0 is before the first byte)
=================  ================================================================================

`max_tokens` counts words: a longer answer, unless it is a dump, is cut there with the stop_reason `max_tokens`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Json = dict[str, Any]

ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    529: "overloaded_error",
}


@dataclass(frozen=True)
class Answer:
    """A whole message, before it is sent in one way or the other."""

    id: str
    model: str
    content: Sequence[Json]
    stop_reason: str
    input_tokens: int
    output_tokens: int

    def usage(self, output_tokens: int | None = None) -> Json:
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": self.output_tokens if output_tokens is None else output_tokens,
        }

    def message(self) -> Json:
        """The body of an answer that is not streamed."""
        return {
            "id": self.id,
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": list(self.content),
            "stop_reason": self.stop_reason,
            "stop_sequence": None,
            "usage": self.usage(),
        }

    def events(self, deltas: int) -> Iterator[Json]:
        """The same message as the events of a stream, a ping after message_start as upstream sends it."""
        start = {**self.message(), "content": [], "stop_reason": None, "usage": self.usage(1)}
        yield {"type": "message_start", "message": start}
        yield {"type": "ping"}
        for index, block in enumerate(self.content):
            yield {"type": "content_block_start", "index": index, "content_block": _emptied(block)}
            for delta in _deltas(block, deltas):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        stop = {"stop_reason": self.stop_reason, "stop_sequence": None}
        yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": self.output_tokens}}
        yield {"type": "message_stop"}


def error_body(kind: str, message: str, request_id: str) -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def status_of(kind: str) -> int:
    """The HTTP status that goes with an error type; 500 when it is not known."""
    return next((status for status, known in ERROR_TYPES.items() if known == kind), 500)


def last_user_text(messages: Sequence[Json]) -> str:
    """The last text block of the last user message that has one; reminders of the CLI's own do not count."""
    for message in reversed(messages):
        content = message.get("content")
        blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
        texts = [block.get("text") for block in blocks if block.get("type") == "text"]
        texts = [text for text in texts if isinstance(text, str) and not text.startswith("<system-reminder>")]
        if message.get("role") == "user" and texts:
            return str(texts[-1])
    return ""


def read_directives(text: str) -> Json:
    """What the prompt asks for, by key."""
    found: Json = {}
    for part in ";".join(_split(text)[1]).split(";"):
        key, equals, value = part.strip().partition("=")
        if not key:
            continue
        try:
            found[key] = json.loads(value) if equals else True
        except ValueError:
            found[key] = value
    return found


def number(wish: Mapping[str, Any], key: str, usual: float, *, least: float, most: float) -> float:
    """The number that `key` asks for; the usual one when it asks for none, or for what makes no sense."""
    try:
        asked = float(wish[key])
    except (KeyError, TypeError, ValueError, OverflowError):
        return usual
    return asked if least <= asked <= most else usual


def seconds(wish: Mapping[str, Any], key: str) -> float:
    return number(wish, key, 0.0, least=0.0, most=86400.0)


def failing_status(wish: Mapping[str, Any]) -> int | None:
    """The HTTP status that is asked for, when it is one of failure."""
    return int(number(wish, "status", 0, least=400, most=599)) or None


def count_deltas(wish: Mapping[str, Any]) -> int:
    return int(number(wish, "deltas", 5, least=1, most=1_000_000))


def compose(body: Mapping[str, Any], tag: str) -> Answer:
    """The answer to `body`; its ids end in `tag`."""
    messages = body.get("messages", [])
    text = last_user_text(messages)
    wish = read_directives(text)
    blocks: list[Json] = []
    if "thinking" in wish:
        blocks.append({"type": "thinking", "thinking": str(wish["thinking"]), "signature": "c2lnbmVk"})
    said = str(wish.get("text") or "Demo echo: " + _split(text)[0])
    words, stop = said.split(" "), "end_turn"
    if wish.get("dump"):
        said = json.dumps(body)
    elif len(words) > (limit := int(number(body, "max_tokens", len(words), least=1, most=len(words)))):
        words, stop = words[:limit], "max_tokens"
        said = " ".join(words)
    blocks.append({"type": "text", "text": said})
    if "tool" in wish and not _answers_tool(messages):
        stop = "tool_use"
        for index, name in enumerate(str(wish["tool"]).split(",")):
            call = {"id": f"toolu_{tag}_{index}", "name": name, "input": wish.get("input", {"x": 1})}
            blocks.append({"type": "tool_use", **call})
    return Answer(
        id=f"msg_{tag}",
        model=str(body.get("model")),
        content=blocks,
        stop_reason=str(wish.get("stop", stop)),
        input_tokens=10 + len(messages),
        output_tokens=len(words),
    )


def break_off_at(wish: Mapping[str, Any], keys: Iterable[str]) -> int | None:
    """After how many events one of `keys` asks that things go wrong; None when nothing does."""
    return int(number(wish, "at", 5, least=0, most=1_000_000)) if wish.keys() & set(keys) else None


def _split(text: str) -> tuple[str, list[str]]:
    """The prompt's own words, and the insides of its `[[…]]`."""
    words, directives, at = [], [], 0
    # Not a regular expression: it would take for ever with a megabyte of spaces or of "[[".
    while (start := text.find("[[", at)) >= 0 and (end := text.find("]]", start)) >= 0:
        words.append(text[at:start].strip())
        directives.append(text[start + 2 : end])
        at = end + 2
    if not directives:
        return text, []
    words.append(text[at:].strip())
    return " ".join(filter(None, words)), directives


def _answers_tool(messages: Sequence[Json]) -> bool:
    content = messages[-1].get("content") if messages else None
    return isinstance(content, list) and any(block.get("type") == "tool_result" for block in content)


def _emptied(block: Json) -> Json:
    empty: Json = {"text": "", "thinking": "", "signature": "", "input": {}}
    return {key: empty.get(key, value) for key, value in block.items()}


def _deltas(block: Json, count: int) -> Iterator[Json]:
    match block["type"]:
        case "text":
            text = block["text"].ljust(count, ".")
            ends = [len(text) * (at + 1) // count for at in range(count)]
            for start, end in pairwise([0, *ends]):
                yield {"type": "text_delta", "text": text[start:end]}
        case "thinking":
            yield {"type": "thinking_delta", "thinking": block["thinking"]}
            yield {"type": "signature_delta", "signature": block["signature"]}
        case _:
            yield {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
