"""The items of a response's input: messages, calls of functions and their outputs, and reasoning.

The items of an answer's `output` are among them, so that a client goes on with a conversation by sending them back as
they are: what the answer's items may hold is taken here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parts import read_content, text_block, without_blanks
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.responses.content import PARTS
from ccproxy_trio.dialects.openai.responses.thoughts import unseal
from ccproxy_trio.dialects.openai.turns import Call, Turns
from ccproxy_trio.dialects.openai.values import known_keys, read_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.dialects.openai.parts import Block
    from ccproxy_trio.dialects.openai.places import Notes

_UNANSWERED = (
    "a call must be followed by its function_call_output, before anything the user says; there is none for"
)
_STRAY = "an output must be the one for a call in the items before it, and none that waits for one has the id"
_ROLES = ("user", "assistant", "system", "developer")
_INPUT = ("input_text", "input_image", "input_file")
_OUTPUT = ("output_text", "refusal")

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "additional_tools",
            "apply_patch_call",
            "apply_patch_call_output",
            "code_interpreter_call",
            "compaction",
            "compaction_trigger",
            "computer_call",
            "computer_call_output",
            "configuration_update",
            "custom_tool_call",
            "custom_tool_call_output",
            "file_search_call",
            "image_generation_call",
            "local_shell_call",
            "local_shell_call_output",
            "mcp_approval_request",
            "mcp_approval_response",
            "mcp_call",
            "mcp_list_tools",
            "program",
            "program_output",
            "shell_call",
            "shell_call_output",
            "tool_search_call",
            "tool_search_output",
            "web_search_call",
        ),
        "this server does not support this type of item",
    ),
    "item_reference": "this server stores nothing that could be referred to; send the item itself",
}
"""The types of items that are not carried, and what is said of them."""

_CALL_KEYS = ("call_id", "name", "arguments", "parsed_arguments", "caller", "namespace", "async")
"""`parsed_arguments` is what the official client read out of the arguments."""


def read_input(instructions: object, value: object, notes: Notes) -> tuple[list[Block], list[dict[str, Any]]]:
    """The system prompt's blocks, and the messages, of a Messages body. Raises InvalidRequest."""
    turns = Turns(notes, _UNANSWERED, _STRAY)
    if instructions is not None and (text := string(instructions, "instructions")):
        turns.instruct(text_block(text), "instructions")
    if isinstance(value, str):
        turns.add_user([(text_block(value), "input")], "input")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _read_item(obj(each, item("input", index)), item("input", index), turns, notes)
    else:
        raise InvalidRequest("input", "Input should be a valid string or list")
    notes.places.note("messages", "input")
    return turns.finish()


def _read_item(held: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    kind = held.get("type")
    if kind is None:
        # The official client's types let two kinds of items leave it out.
        kind = "item_reference" if set(held) <= {"type", "id"} and held.get("id") else "message"
    if isinstance(kind, str) and kind in REFUSED:
        raise Unsupported(f"{path}.type", REFUSED[kind])
    _READERS[one_of(kind, f"{path}.type", *_READERS)](held, path, turns, notes)


def _message(held: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    told = _labelled(held, path, "role", "content", "phase")
    role = one_of(required(told, "role", path), f"{path}.role", *_ROLES)
    if "phase" in told:
        one_of(told["phase"], f"{path}.phase", "commentary", "final_answer")
        notes.ignored.append(f"{path}.phase")
    kinds = {"user": _INPUT, "assistant": _OUTPUT}.get(role, ("input_text",))
    blocks = read_content(required(told, "content", path), f"{path}.content", notes, PARTS, *kinds)
    match role:
        case "user":
            turns.add_user(blocks, path)
        case "assistant":
            turns.add_assistant(without_blanks(blocks, notes), path)
        case _:
            turns.add_developer(blocks)


def _function_call(held: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    told = _labelled(held, path, *_CALL_KEYS)
    _refuse_other_callers(told, path)
    call_id = string(required(told, "call_id", path), f"{path}.call_id")
    name = string(required(told, "name", path), f"{path}.name")
    arguments = read_arguments(required(told, "arguments", path), f"{path}.arguments")
    turns.add_call(Call(call_id, name, arguments, path, f"{path}.call_id", path), path)


def _function_call_output(held: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    told = _labelled(held, path, "call_id", "output", "caller", "name", "namespace")
    _refuse_other_callers(told, path)
    call_id = string(required(told, "call_id", path), f"{path}.call_id")
    output = read_content(required(told, "output", path), f"{path}.output", notes, PARTS, *_INPUT)
    turns.add_result(call_id, output, path, f"{path}.call_id")


def _reasoning(held: dict[str, Any], path: str, turns: Turns, notes: Notes) -> None:
    told = _labelled(held, path, "summary", "content", "encrypted_content")
    for key in ("summary", "content"):
        array(told.get(key, []), f"{path}.{key}")
    if "encrypted_content" not in told:
        # Its words alone are nothing to the model.
        notes.ignored.append(path)
        return
    inside = f"{path}.encrypted_content"
    turns.add_thought(unseal(string(told["encrypted_content"], inside), inside), inside, path)


def _labelled(held: dict[str, Any], path: str, *keys: str) -> dict[str, Any]:
    """The item, with labels beside its own keys, that mean nothing where nothing is stored."""
    told = known_keys(held, path, "type", "id", "status", *keys)
    for label in ("id", "status"):
        string(told.get(label, ""), f"{path}.{label}")
    return told


def _refuse_other_callers(told: dict[str, Any], path: str) -> None:
    if "namespace" in told:
        raise Unsupported(f"{path}.namespace", "this server does not support namespaces")
    if told.get("async", False) is not False:
        raise Unsupported(f"{path}.async", "this server does not support calls that are answered later")
    if obj(told.get("caller", {"type": "direct"}), f"{path}.caller").get("type") != "direct":
        raise Unsupported(f"{path}.caller", "this server carries only calls whose caller is 'direct'")


_READERS: Mapping[str, Callable[[dict[str, Any], str, Turns, Notes], None]] = {
    "message": _message,
    "function_call": _function_call,
    "function_call_output": _function_call_output,
    "reasoning": _reasoning,
}
