"""From raw stream events to the whole message that the API would have answered without streaming.

One state machine:

    message_start, then for each block content_block_start, content_block_delta *, content_block_stop,
    then message_delta +, message_stop

Blocks come one at a time, numbered from 0. `ping` and event types unknown here may come anywhere and change
nothing, as the API's versioning policy asks of clients. Anything else out of place is an `InvalidStream`: a
message is either what the API said, in full, or none. That goes for a kind of delta unknown here too, since
leaving it out would falsify its block. Events are never changed, and keys unknown here are kept.
"""

from __future__ import annotations

from typing import Any

import orjson

from ccproxy_trio.dialects.anthropic.truncated_json import decode_truncated

_CUT_OFF = frozenset({"max_tokens", "model_context_window_exceeded", "refusal"})
"""The stop reasons that may end an answer in the middle of a tool's input."""


class InvalidStream(ValueError):
    """The events are not those of one message."""


class MessageAssembler:
    """Puts the events of one answer together."""

    def __init__(self) -> None:
        self._message: dict[str, Any] | None = None
        self._content: list[dict[str, Any]] = []
        self._open: _OpenBlock | None = None
        self._cut_inputs: list[tuple[int, str]] = []
        self._saw_delta = False
        self._stopped = False

    def feed(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Take the next event. Returns the message when that was `message_stop`, else None.

        Raises InvalidStream for an event that cannot come here; the assembler is of no use after that.
        """
        kind = event.get("type")
        try:
            match kind:
                case "message_start":
                    self._start_message(event["message"])
                case "content_block_start":
                    self._start_block(event["index"], event["content_block"])
                case "content_block_delta":
                    self._open_block(event["index"]).extend(event["delta"])
                case "content_block_stop":
                    self._stop_block(event["index"])
                case "message_delta":
                    self._extend_message(event)
                case "message_stop":
                    return self._stop_message()
                case "error":
                    raise InvalidStream(f"the stream holds an error: {event.get('error')!r:.500}")
                case str():
                    return None
                case _:
                    raise InvalidStream("an event has no type")
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidStream(f"{kind}: malformed event: {error!r}") from error
        return None

    def _started(self) -> dict[str, Any]:
        if self._message is None:
            raise InvalidStream("an event came before message_start")
        if self._stopped:
            raise InvalidStream("an event came after message_stop")
        return self._message

    def _start_message(self, message: dict[str, Any]) -> None:
        if self._message is not None:
            raise InvalidStream("a second message_start")
        if message["content"]:
            raise InvalidStream("message_start already has content")
        self._message = {**message, "content": self._content, "usage": {**message["usage"]}}

    def _start_block(self, index: int, block: dict[str, Any]) -> None:
        self._started()
        if self._open is not None:
            raise InvalidStream(f"block {index} starts inside block {self._open.index}")
        if self._saw_delta:
            raise InvalidStream(f"block {index} starts after message_delta")
        if index != len(self._content):
            raise InvalidStream(f"block {index} starts where {len(self._content)} is next")
        self._open = _OpenBlock(index, block)

    def _open_block(self, index: int) -> _OpenBlock:
        self._started()
        if self._open is None or self._open.index != index:
            raise InvalidStream(f"an event is for block {index}, which is not open")
        return self._open

    def _stop_block(self, index: int) -> None:
        block, cut_input = self._open_block(index).close()
        if cut_input is not None:
            self._cut_inputs.append((index, cut_input))
        self._content.append(block)
        self._open = None

    def _extend_message(self, event: dict[str, Any]) -> None:
        message = self._started()
        if self._open is not None:
            raise InvalidStream(f"message_delta inside block {self._open.index}")
        self._saw_delta = True
        _overwrite(message, event["delta"])
        _overwrite(message["usage"], event["usage"])
        _overwrite(message, {key: event[key] for key in event if key not in ("type", "delta", "usage")})

    def _stop_message(self) -> dict[str, Any]:
        message = self._started()
        if self._open is not None:
            raise InvalidStream(f"message_stop inside block {self._open.index}")
        if not self._saw_delta or message.get("stop_reason") is None:
            raise InvalidStream("message_stop without a stop_reason before it")
        for index, text in self._cut_inputs:
            if message["stop_reason"] not in _CUT_OFF:
                raise InvalidStream(f"the input of block {index} is not valid JSON")
            try:
                self._content[index]["input"] = decode_truncated(text)
            except ValueError as error:
                raise InvalidStream(
                    f"the input of block {index} is not the beginning of JSON: {error}"
                ) from None
        self._stopped = True
        return message


def _overwrite(target: dict[str, Any], news: dict[str, Any]) -> None:
    # Counts are running totals and so replace; what does not apply at the end is null or missing, and then the
    # value of the start stands.
    for key, value in news.items():
        if value is not None or key not in target:
            target[key] = value


class _OpenBlock:
    """The block under way. Texts gather in lists, joined once: a block may have 100,000 deltas."""

    def __init__(self, index: int, block: dict[str, Any]) -> None:
        self.index = index
        self._block = {**block}
        self._parts: dict[str, list[str]] = {}
        self._input: list[str] = []
        if not isinstance(self._block["type"], str):
            raise InvalidStream(f"block {index} has no type")

    def extend(self, delta: dict[str, Any]) -> None:
        match delta["type"]:
            case "text_delta":
                self._append("text", delta["text"])
            case "thinking_delta":
                self._append("thinking", delta["thinking"])
            case "signature_delta":
                self._expect("signature_delta", "thinking")
                self._block["signature"] = delta["signature"]
            case "input_json_delta":
                self._expect("input_json_delta", "input")
                self._input.append(delta["partial_json"])
            case "citations_delta":
                self._expect("citations_delta", "text")
                self._block["citations"] = [*(self._block.get("citations") or ()), delta["citation"]]
            case "compaction_delta":
                self._expect("compaction_delta", "content")
                self._block.update({key: value for key, value in delta.items() if key != "type"})
            case kind:
                raise InvalidStream(f"block {self.index} has a delta of unknown type {kind!r:.100}")

    def _append(self, key: str, text: str) -> None:
        self._expect(f"{key}_delta", key)
        self._parts.setdefault(key, [self._block[key]]).append(text)

    def _expect(self, delta: str, key: str) -> None:
        if key not in self._block:
            raise InvalidStream(f"block {self.index} of type {self._block['type']!r:.100} has a {delta}")

    def close(self) -> tuple[dict[str, Any], str | None]:
        """The finished block, and its input's text if that is not whole."""
        for key, parts in self._parts.items():
            self._block[key] = "".join(parts)
        text = "".join(self._input)
        if not text:
            return self._block, None
        try:
            self._block["input"] = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self._block, text
        return self._block, None
