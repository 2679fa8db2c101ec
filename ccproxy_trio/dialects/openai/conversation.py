"""The messages of a chat completion, as the system prompt and the turns of a Messages request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parts import PARTS, read_content, text_block, without_blanks
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.turns import Call, Turns
from ccproxy_trio.dialects.openai.values import known_keys, read_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.dialects.openai.parts import Block
    from ccproxy_trio.dialects.openai.places import Notes

_UNANSWERED = (
    "an assistant's message with calls must be followed by a tool's message for each of them; "
    "there is none for"
)
_STRAY = (
    "a tool's message must be the one response to a call in the assistant's message before it, and no call that "
    "waits for one has the id"
)
_ASSISTANT_KEYS = (
    "role",
    "content",
    "name",
    "refusal",
    "tool_calls",
    "audio",
    "function_call",
    "annotations",
    "reasoning_content",
    "parsed",
)
_FUNCTION_KEYS = ("name", "arguments", "parsed_arguments")
"""`parsed…` is what the official client read out of the text beside it, and sends back with it."""


def read_conversation(value: object, notes: Notes) -> tuple[list[Block], list[dict[str, Any]]]:
    """The system prompt's blocks, and the messages, of a Messages body. Raises InvalidRequest."""
    turns = Turns(notes, _UNANSWERED, _STRAY)
    for index, each in enumerate(array(value, "messages")):
        path = item("messages", index)
        message = obj(each, path)
        role = required(message, "role", path)
        if role == "function":
            raise Unsupported(f"{path}.role", "this server does not support this role; use 'tool'")
        if one_of(role, f"{path}.role", *_READERS) != "tool":
            turns.refuse_unanswered()
        if message.get("name") is not None:
            string(message["name"], f"{path}.name")
            notes.ignored.append(f"{path}.name")
        _READERS[role](message, path, turns, notes)
    return turns.finish()


def _developer(message: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    known_keys(message, path, "role", "content", "name")
    content = required(message, "content", path)
    turns.add_developer(read_content(content, f"{path}.content", notes, PARTS, "text"))


def _user(message: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    known_keys(message, path, "role", "content", "name")
    content = required(message, "content", path)
    turns.add_user(read_content(content, f"{path}.content", notes, PARTS, "text", "image_url", "file"), path)


def _assistant(message: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    told = known_keys(message, path, *_ASSISTANT_KEYS)
    for key in ("audio", "function_call"):
        if key in told:
            raise Unsupported(
                f"{path}.{key}", "this server does not support this part of an assistant's message"
            )
    for key in ("annotations", "reasoning_content"):
        if told.get(key):
            notes.ignored.append(f"{path}.{key}")
    blocks = read_content(told.get("content", ""), f"{path}.content", notes, PARTS, "text", "refusal")
    if refusal := string(told.get("refusal", ""), f"{path}.refusal"):
        blocks.append((text_block(refusal), f"{path}.refusal"))
    calls = array(told.get("tool_calls", []), f"{path}.tool_calls")
    if not blocks and not calls:
        raise InvalidRequest(path, "assistant messages must have non-empty content")
    turns.add_assistant(without_blanks(blocks, notes), path)
    for index, call in enumerate(calls):
        turns.add_call(_read_call(call, item(f"{path}.tool_calls", index)), path)


def _read_call(value: object, path: str) -> Call:
    call = obj(value, path)
    if call.get("type") == "custom":
        raise Unsupported(f"{path}.type", "this server does not support custom tools")
    one_of(required(call, "type", path), f"{path}.type", "function")
    # A call that was put together from chunks may keep their index.
    call = known_keys(call, path, "type", "id", "function", "index")
    inner = f"{path}.function"
    function = known_keys(required(call, "function", path), inner, *_FUNCTION_KEYS)
    call_id = string(required(call, "id", path), f"{path}.id")
    name = string(required(function, "name", inner), f"{inner}.name")
    arguments = read_arguments(required(function, "arguments", inner), f"{inner}.arguments")
    return Call(call_id, name, arguments, path, f"{path}.id", inner)


def _tool(message: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    known_keys(message, path, "role", "content", "tool_call_id", "name")
    id_path = f"{path}.tool_call_id"
    call_id = string(required(message, "tool_call_id", path), id_path)
    content = read_content(required(message, "content", path), f"{path}.content", notes, PARTS, "text")
    turns.add_result(call_id, content, path, id_path)


_READERS: Mapping[str, Callable[[dict[str, Any], str, Turns, Notes], None]] = {
    "developer": _developer,
    "system": _developer,
    "user": _user,
    "assistant": _assistant,
    "tool": _tool,
}
