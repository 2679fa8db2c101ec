"""From raw stream events of the Messages API to the chunks of a chat completion.

    message_start, then for each block content_block_start, content_block_delta *, content_block_stop,
    then message_delta +, message_stop

The first chunk has the role, and is sent when it is known whether the answer begins with text; chunks of text,
thoughts and arguments follow as their events come; the last ones, at message_stop, have the finish reason and, if
asked for, the usage. Put together the chunks are the completion of the whole message; but for a call that was cut
off: the chunks have its arguments as far as they came.
"""

from __future__ import annotations

from typing import Any

import orjson

from ccproxy_trio.dialects.anthropic.events import InvalidStream
from ccproxy_trio.dialects.openai.completion import (
    Json,
    count_usage,
    explanation,
    finish_reason,
    head,
    is_thinking,
    start_call,
)

DONE = b"data: [DONE]\n\n"
"""What ends a stream that came to its end."""


def encode_chunk(chunk: Json) -> bytes:
    """Frame one chunk of a stream."""
    return b"data: %b\n\n" % orjson.dumps(chunk)


class ChunkStream:
    """Turns the events of one answer into chunks."""

    def __init__(self, created: int, *, include_usage: bool = False, show_thinking: bool = False) -> None:
        """`created` is the time, in seconds since 1970."""
        self._created = created
        self._include_usage = include_usage
        self._show_thinking = show_thinking
        self._head: Json | None = None
        self._usage: Json = {}
        self._end: Json = {}
        self._begun = self._has_text = self._thought = False
        self._calls = 0
        self._block: Json = {}
        self._unsaid: str | None = None  # the arguments of the open call, while none came
        self.done = False
        """Whether the last chunk has been returned."""

    def feed(self, event: Json) -> list[Json]:
        """Take the next event; return the chunks that it makes, in order.

        Raises InvalidStream for an event that is not what it says it is; the stream is of no use after that.
        """
        kind = event.get("type")
        try:
            match kind:
                case "message_start":
                    self._start_message(event["message"])
                case "content_block_start":
                    return self._start_block(event["content_block"])
                case "content_block_delta":
                    return self._extend_block(event["delta"])
                case "content_block_stop":
                    return self._stop_block()
                case "message_delta":
                    self._end.update(event["delta"])
                    self._usage.update(
                        {key: value for key, value in event["usage"].items() if value is not None}
                    )
                case "message_stop":
                    return self._stop_message()
                case "error":
                    raise InvalidStream(f"the stream holds an error: {event.get('error')!r:.500}")
                case str():
                    pass
                case _:
                    raise InvalidStream("an event has no type")
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidStream(f"{kind}: malformed event: {error!r}") from error
        return []

    def _start_message(self, message: Json) -> None:
        if self._head is not None:
            raise InvalidStream("a second message_start")
        self._usage = {**message["usage"]}
        self._head = head(message, self._created, "chat.completion.chunk")

    def _start_block(self, block: Json) -> list[Json]:
        self._block = block
        self._thought = self._thought or is_thinking(block)
        match block["type"]:
            case "text":
                if self._has_text:
                    return self._say("content", block["text"])
                self._has_text = True
                # Even an empty text is one: without any the content is null.
                return self._begin(block["text"]) or [self._chunk({"content": block["text"]})]
            case "tool_use":
                first = self._begin(None)
                self._unsaid = orjson.dumps(block["input"]).decode()
                call = {"index": self._calls, **start_call(block, "")}
                self._calls += 1
                return [*first, self._chunk({"tool_calls": [call]})]
            case _:
                return self._begin(None)

    def _extend_block(self, delta: Json) -> list[Json]:
        match delta["type"]:
            case "text_delta":
                return self._say("content", delta["text"])
            case "thinking_delta" if self._show_thinking:
                return self._say("reasoning_content", delta["thinking"])
            case "input_json_delta" if self._block["type"] == "tool_use":
                return self._say_arguments(delta["partial_json"])
        return []

    def _stop_block(self) -> list[Json]:
        self._block = {}
        # No pieces: what the block began with is all of it.
        return self._say_arguments(self._unsaid) if self._unsaid is not None else []

    def _stop_message(self) -> list[Json]:
        if self._end.get("stop_reason") is None:
            raise InvalidStream("message_stop without a stop_reason before it")
        chunks = self._begin(None)
        if refusal := explanation(self._end.get("stop_details")):
            chunks.append(self._chunk({"refusal": refusal}))
        chunks.append(self._chunk({}, finish_reason(self._end["stop_reason"])))
        if self._include_usage:
            usage = count_usage(self._usage, thought=self._thought)
            chunks.append({**self._chunk({}), "choices": [], "usage": usage})
        self.done = True
        return chunks

    def _begin(self, content: str | None) -> list[Json]:
        if self._begun:
            return []
        self._begun = True
        return [self._chunk({"role": "assistant", "content": content, "refusal": None})]

    def _say(self, key: str, text: str) -> list[Json]:
        return [self._chunk({key: text})] if text else []

    def _say_arguments(self, piece: str) -> list[Json]:
        if not piece:
            return []
        self._unsaid = None
        call = {"index": self._calls - 1, "function": {"arguments": piece}}
        return [self._chunk({"tool_calls": [call]})]

    def _chunk(self, delta: Json, finish: str | None = None) -> Json:
        if self._head is None or self.done:
            raise InvalidStream("an event came outside of the message")
        choice: dict[str, Any] = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return {**self._head, "choices": [choice], **({"usage": None} if self._include_usage else {})}
