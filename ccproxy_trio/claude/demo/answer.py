"""What is answered: a pure function of the request, so that a test can say in advance what it will read.

An answer is `Demo echo: ` and the text of the last user message; for one of images or documents alone, `[image]` or
`[document]` stands for each. A directive anywhere in that text, `[[key=value; key=value]]`, changes the answer and is
not echoed. A value is JSON when it parses as JSON, else a plain string; a key alone is true. No value may hold `;` or
`]]`:

======================  ============================================================================
status=429              fail with this HTTP status and the API's error body
retry_after=7           with `status`: send this `retry-after` header
message=TEXT            with `status` or `error`: the error's message
delay=0.5               seconds before the first byte
deltas=20               text deltas to send (default 5); a shorter text is padded with dots, unless there
                        is nothing in it to see; as many pieces make up a tool's input, after an empty one
gap=0.1                 seconds after each delta
one_segment             the fake API sends the whole stream in one write, without gaps
text=TEXT               answer this instead of the echo; `text=""` and `text=" "` are empty and blank
no_text                 no text block at all; with nothing else the content is empty
thinking=TEXT           put a thinking block first
redacted=DATA           then a redacted_thinking block
search=QUERY            then a server tool's search and its result; the text cites it
tool=NAME,NAME          end with parallel calls of these tools, unless tool results have come since
rounds=2                with `tool`: call again until there are so many messages with results (default 1)
input={"x":1}           with `tool`: the input of the calls (by default what the tool's schema allows)
stop=refusal            the stop_reason of the answer
stop_details={"a":1}    this in message_delta, as it is
container=ID            a container of this id in message_delta
usage={"a":1}           these counts in message_start and message_delta, beside or instead of the usual
dump                    answer with the request body as JSON, exactly as it was received
error=TYPE              an `error` event of this type (overloaded_error, …) in mid-stream, then the end
cut                     close the connection in mid-stream
hang                    send nothing more, and keep the connection open
at=N                    when error, cut, hang and the faults of the stand-in happen: after N events
                        (default 5, in the middle of the text; 0 is before the first byte)
======================  ============================================================================

Of the request's own fields these have an effect:

* `max_tokens` counts words: a longer text is cut there with the stop_reason `max_tokens`;
* `stop_sequences`: a text that holds one ends before it, with the stop_reason `stop_sequence`; neither cuts a dump or
  structured output;
* `output_config.format` of the type json_schema: the text is JSON that satisfies the schema (see `schema`), unless
  `text` or `dump` asks for another;
* `tool_choice`: `any` and `tool` make a call and leave the text out, `none` makes none whatever the prompt asks for,
  and `disable_parallel_tool_use` leaves the first;
* `service_tier`: usage tells that it was `standard`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .blocks import call_tools, choose_tools, cite, deltas_of, emptied, search, think
from .directives import an_object, number, read_prompt
from .schema import satisfy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .directives import Json, Prompt

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
_EXPIRES = "2030-01-01T00:00:00Z"


@dataclass(frozen=True)
class Answer:
    """A whole message, before it is sent in one way or the other."""

    id: str
    model: str
    content: Sequence[Json]
    stop_reason: str
    input_tokens: int
    output_tokens: int
    stop_sequence: str | None = None
    counted: Json = field(default_factory=dict)
    """Of usage, what is not the usual."""
    ending: Json = field(default_factory=dict)
    """What message_delta tells beside the stop reason."""

    def usage(self, output_tokens: int | None = None) -> Json:
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": self.output_tokens if output_tokens is None else output_tokens,
            **self.counted,
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
            "stop_sequence": self.stop_sequence,
            **self.ending,
            "usage": self.usage(),
        }

    def start(self) -> Json:
        """The message as message_start has it."""
        begun: Json = {"content": [], "stop_reason": None, "stop_sequence": None, "usage": self.usage(1)}
        return {key: begun.get(key, value) for key, value in self.message().items() if key not in self.ending}

    def events(self, deltas: int) -> Iterator[Json]:
        """The same message as the events of a stream, a ping after message_start as upstream sends it."""
        yield {"type": "message_start", "message": self.start()}
        yield {"type": "ping"}
        for index, block in enumerate(self.content):
            yield {"type": "content_block_start", "index": index, "content_block": emptied(block)}
            for delta in deltas_of(block, deltas):
                yield {"type": "content_block_delta", "index": index, "delta": delta}
            yield {"type": "content_block_stop", "index": index}
        stop = {"stop_reason": self.stop_reason, "stop_sequence": self.stop_sequence, **self.ending}
        usage = {"output_tokens": self.output_tokens, **self.counted}
        yield {"type": "message_delta", "delta": stop, "usage": usage}
        yield {"type": "message_stop"}


def error_body(kind: str, message: str, request_id: str) -> Json:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}


def status_of(kind: str) -> int:
    """The HTTP status that goes with an error type; 500 when it is not known."""
    return next((status for status, known in ERROR_TYPES.items() if known == kind), 500)


def compose(body: Mapping[str, Any], tag: str) -> Answer:
    """The answer to `body`; its ids end in `tag`."""
    prompt = read_prompt(body.get("messages"))
    wish = prompt.wish
    names, forced = choose_tools(body.get("tool_choice"), wish, body.get("tools"))
    if not forced and prompt.results >= number(wish, "rounds", 1, least=1, most=1_000_000):
        names = ()
    blocks = list(think(wish))
    words, stop, sequence = 0, "end_turn", None
    if "search" in wish:
        blocks += search(wish["search"], tag)
    if not forced and "no_text" not in wish:
        said, words, stop, sequence = _speak(body, prompt)
        blocks.append(cite(said) if "search" in wish else {"type": "text", "text": said})
    if names:
        stop, sequence = "tool_use", None
        blocks += call_tools(names, wish, body.get("tools"), tag)
    return Answer(
        id=f"msg_{tag}",
        model=str(body.get("model")),
        content=blocks,
        stop_reason=str(wish.get("stop", stop)),
        stop_sequence=sequence,
        input_tokens=10 + len(body.get("messages") or ()),
        output_tokens=max(1, words),
        counted=_count(body, wish),
        ending=_end(wish),
    )


def _speak(body: Mapping[str, Any], prompt: Prompt) -> tuple[str, int, str, str | None]:
    """The text, the number of its words, the stop reason and the stop sequence."""
    wish = prompt.wish
    shape = an_object(an_object(body.get("output_config")).get("format"))
    said = str(wish.get("text", f"Demo echo: {prompt.words}"))
    if wish.get("dump") or ("text" not in wish and shape.get("type") == "json_schema"):
        whole = json.dumps(body if wish.get("dump") else satisfy(shape.get("schema")))
        return whole, len(said.split(" ")), "end_turn", None
    stop, sequence = "end_turn", None
    if found := _first_in(said, body.get("stop_sequences")):
        stop, sequence, said = "stop_sequence", found, said[: said.index(found)]
    words = said.split(" ")
    limit = int(number(body, "max_tokens", len(words), least=1, most=len(words)))
    if len(words) > limit:
        return " ".join(words[:limit]), limit, "max_tokens", None
    return said, len(words), stop, sequence


def _first_in(text: str, sequences: object) -> str | None:
    known = [one for one in sequences if isinstance(one, str) and one] if isinstance(sequences, list) else []
    return min((one for one in known if one in text), key=text.index, default=None)


def _count(body: Mapping[str, Any], wish: Mapping[str, Any]) -> Json:
    tier = {"service_tier": "standard"} if body.get("service_tier") is not None else {}
    searches = {"server_tool_use": {"web_search_requests": 1}} if "search" in wish else {}
    return {**tier, **searches, **an_object(wish.get("usage"))}


def _end(wish: Mapping[str, Any]) -> Json:
    ending: Json = {}
    if "container" in wish:
        ending["container"] = {"id": str(wish["container"]), "expires_at": _EXPIRES}
    if "stop_details" in wish:
        ending["stop_details"] = wish["stop_details"]
    return ending
