"""An item of the output while it is being said: the events of its beginning, of each piece, and of its end.

`begin`, `extend` and `end` are called in that order, and return events without what the stream adds to each: the
numbers of the event and of the item.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.openai.responses.response import (
    call_item,
    message_item,
    reasoning_item,
    refusal_part,
    summary_part,
    text_part,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, Any]


class OpenMessage:
    """Text, in one part; and after it, maybe, why there is no more."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._text: list[str] = []
        self._refusal: str | None = None

    def begin(self) -> list[Json]:
        return [_added(message_item(self.name, [], "in_progress"))]

    def extend(self, text: str) -> list[Json]:
        first = [] if self._text else [self._part("added", 0, text_part(""))]
        self._text.append(text)
        piece = {"item_id": self.name, "content_index": 0, "delta": text, "logprobs": []}
        return [*first, {"type": "response.output_text.delta", **piece}]

    def refuse(self, explanation: str) -> list[Json]:
        """The events of a refusal, which comes after all text."""
        self._refusal = explanation
        index = 1 if self._text else 0
        place = {"item_id": self.name, "content_index": index}
        return [
            *self._end_text(),
            self._part("added", index, refusal_part("")),
            {"type": "response.refusal.delta", **place, "delta": explanation},
            {"type": "response.refusal.done", **place, "refusal": explanation},
            self._part("done", index, refusal_part(explanation)),
        ]

    def end(self, status: str) -> tuple[Json, list[Json]]:
        content = [text_part("".join(self._text))] if self._text else []
        if self._refusal is not None:
            content.append(refusal_part(self._refusal))
        item = message_item(self.name, content, status)
        return item, [*(self._end_text() if self._refusal is None else ()), _done(item)]

    def _end_text(self) -> list[Json]:
        if not self._text:
            return []
        text = "".join(self._text)
        said = {"item_id": self.name, "content_index": 0, "text": text, "logprobs": []}
        return [{"type": "response.output_text.done", **said}, self._part("done", 0, text_part(text))]

    def _part(self, what: str, index: int, part: Json) -> Json:
        kind = f"response.content_part.{what}"
        return {"type": kind, "item_id": self.name, "content_index": index, "part": part}


class OpenCall:
    """A call of a function."""

    def __init__(self, name: str, block: Mapping[str, Any]) -> None:
        self.name = name
        self._block = block
        self._arguments: list[str] = []

    def begin(self) -> list[Json]:
        return [_added(call_item(self.name, self._block, "", "in_progress"))]

    def extend(self, delta: Mapping[str, Any]) -> list[Json]:
        if delta["type"] != "input_json_delta" or not (piece := delta["partial_json"]):
            return []
        self._arguments.append(piece)
        return [{"type": "response.function_call_arguments.delta", "item_id": self.name, "delta": piece}]

    def end(self, status: str) -> tuple[Json, list[Json]]:
        said: list[Json] = []
        if not self._arguments:
            # No pieces: what the block began with is all of it.
            whole = orjson.dumps(self._block["input"]).decode()
            said = self.extend({"type": "input_json_delta", "partial_json": whole})
        arguments = "".join(self._arguments)
        kind = "response.function_call_arguments.done"
        told = {"item_id": self.name, "arguments": arguments}
        item = call_item(self.name, self._block, arguments, status)
        return item, [*said, {"type": kind, **told}, _done(item)]


class OpenReasoning:
    """What the model thinks: in words if they are asked for."""

    def __init__(self, name: str, block: Mapping[str, Any], *, summary: bool) -> None:
        self.name = name
        self._block = {**block}
        self._summary = summary
        self._words: list[str] = []

    def begin(self) -> list[Json]:
        item = reasoning_item(self.name, self._block, summary=False, status="in_progress")
        first = {"type": "thinking_delta", "thinking": self._block.get("thinking", "")}
        return [_added({**item, "encrypted_content": None}), *self.extend(first)]

    def extend(self, delta: Mapping[str, Any]) -> list[Json]:
        match delta["type"]:
            case "signature_delta":
                self._block["signature"] = delta["signature"]
            case "thinking_delta" if delta["thinking"]:
                return self._think(delta["thinking"])
        return []

    def end(self, status: str) -> tuple[Json, list[Json]]:
        words = "".join(self._words)
        if "thinking" in self._block:
            self._block["thinking"] = words
        item = reasoning_item(self.name, self._block, summary=self._summary, status=status)
        said = []
        if self._summary and words:
            done = {"type": "response.reasoning_summary_text.done", **self._place(), "text": words}
            said = [done, self._part("done", words)]
        return item, [*said, _done(item)]

    def _think(self, words: str) -> list[Json]:
        first = [] if self._words else [self._part("added", "")]
        self._words.append(words)
        piece = {"type": "response.reasoning_summary_text.delta", **self._place(), "delta": words}
        return [*first, piece] if self._summary else []

    def _part(self, what: str, text: str) -> Json:
        kind = f"response.reasoning_summary_part.{what}"
        return {"type": kind, **self._place(), "part": summary_part(text)}

    def _place(self) -> Json:
        return {"item_id": self.name, "summary_index": 0}


def _added(item: Json) -> Json:
    return {"type": "response.output_item.added", "item": item}


def _done(item: Json) -> Json:
    return {"type": "response.output_item.done", "item": item}
