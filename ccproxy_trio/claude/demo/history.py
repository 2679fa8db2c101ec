"""The messages of a conversation as they go upstream.

The rules, as measured on version 2.1.330:

* blocks of every kind go as they are, but of an image sent as base64 only the image, and of a tool call only its id,
  name and input are kept, and calls come after all else of their message;
* a message without content is left out, so that a rewind can aim at one that upstream never sees;
* user messages in a row become one;
* thinking is kept when its message names the current model, and dropped at the very end;
* of an assistant's citations only those of a web search are kept;
* an assistant message that shows nothing is left out, and one that was empty says `(no content)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .directives import an_object, blocks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .directives import Json

THINKING = frozenset({"thinking", "redacted_thinking"})
_KEPT_OF_A_CALL = ("type", "id", "name", "input")
_KEPT_CITATION = "web_search_result_location"
_NO_CONTENT: Json = {"type": "text", "text": "(no content)", "citations": []}


def shows_something(content: Iterable[Mapping[str, object]]) -> bool:
    """Whether an answer has anything but thinking and blank text."""
    return any(
        str(block.get("text", "")).strip()
        if block.get("type") == "text"
        else block.get("type") not in THINKING
        for block in content
    )


def lay_out(messages: Iterable[Json], model: str) -> list[Json]:
    """What stands under `messages` when the request goes to `model`."""
    laid: list[Json] = []
    for message in messages:
        if message["role"] == "user":
            _add_user(laid, message["content"])
        elif content := _of_the_assistant(message, model):
            laid.append({"role": "assistant", "content": content})
    if laid and laid[-1]["role"] == "assistant":
        content = laid[-1]["content"]
        while content and content[-1].get("type") in THINKING:
            content = content[:-1]
        laid[-1:] = [{**laid[-1], "content": content}] if content else []
    return laid


def put_mark(messages: Sequence[Json], mark: Json | None) -> list[Json]:
    """The same messages with `mark` on the last block of the last."""
    if mark is None or not messages or not (blocks := blocks_of(messages[-1]["content"])):
        return list(messages)
    blocks[-1] = {**blocks[-1], "cache_control": mark}
    return [*messages[:-1], {**messages[-1], "content": blocks}]


def _add_user(laid: list[Json], content: object) -> None:
    blocks = [_user_block(block) for block in blocks_of(content)]
    if not blocks:
        return
    if laid and laid[-1]["role"] == "user":
        before = blocks_of(laid.pop()["content"])
        if before[-1].get("type") == "text":
            before[-1] = {**before[-1], "text": f"{before[-1].get('text', '')}\n"}
        laid.append({"role": "user", "content": before + blocks})
    else:
        laid.append({"role": "user", "content": content if isinstance(content, str) else blocks})


def _user_block(block: Json) -> Json:
    match block:
        case {"type": "image", "source": {"type": "base64"} as source}:
            return {"type": "image", "source": source}
    return block


def _of_the_assistant(message: Mapping[str, object], model: str) -> list[Json]:
    blocks = blocks_of(message["content"])
    if message.get("model") != model:
        blocks = [block for block in blocks if block.get("type") not in THINKING]
    if not blocks:
        return [_NO_CONTENT]
    if not shows_something(blocks):
        return []
    blocks = [_cut_citations(block) for block in blocks]
    calls = [_call(block) for block in blocks if block.get("type") == "tool_use"]
    return [block for block in blocks if block.get("type") != "tool_use"] + calls


def _cut_citations(block: Json) -> Json:
    cited = block.get("citations")
    if not isinstance(cited, list):
        return block
    return {**block, "citations": [one for one in cited if an_object(one).get("type") == _KEPT_CITATION]}


def _call(block: Json) -> Json:
    return {key: block[key] for key in _KEPT_OF_A_CALL if key in block}
