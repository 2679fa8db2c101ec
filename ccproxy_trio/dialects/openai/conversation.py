"""The messages of a chat completion, as the system prompt and the turns of a Messages request.

Messages of one role in a row become one turn, with all their blocks, and the results of tools stand before what the
user says beside them: so each turn upstream is one here, and its place is known.

Two things OpenAI's API has and the Messages API has not. System messages may stand anywhere: their texts are joined
in order into the system prompt, so that they keep their authority and lose their position. And a conversation may be
system messages alone: then the user says them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parts import read_content, text_block
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.values import json_object, known_keys

if TYPE_CHECKING:
    from ccproxy_trio.dialects.openai.parts import Block, Placed
    from ccproxy_trio.dialects.openai.places import Notes

_ROLES = ("developer", "system", "user", "assistant", "tool")


def read_conversation(value: object, notes: Notes) -> tuple[list[Block], list[dict[str, Any]]]:
    """The system prompt's blocks, and the messages, of a Messages body. Raises InvalidRequest."""
    reader = ConversationReader(notes)
    for index, message in enumerate(array(value, "messages")):
        reader.read_message(message, item("messages", index))
    return reader.finish()


class ConversationReader:
    """Takes the messages of a conversation one by one."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes
        self._system: list[Placed] = []
        self._messages: list[dict[str, Any]] = []
        self._unanswered: dict[str, str] = {}  # the ids of calls without a result yet, with their paths

    def read_message(self, value: object, path: str) -> None:
        """Take the next message."""
        message = obj(value, path)
        role = required(message, "role", path)
        if role == "function":
            raise Unsupported(f"{path}.role", "this server does not support this role; use 'tool'")
        match one_of(role, f"{path}.role", *_ROLES):
            case "tool":
                self._read_tool(message, path)
            case "assistant":
                self._read_assistant(message, path)
            case "user":
                self._read_user(message, path)
            case _:
                self._read_system(message, path)

    def finish(self) -> tuple[list[Block], list[dict[str, Any]]]:
        """The system prompt's blocks and the messages, when all has been taken."""
        self._refuse_unanswered()
        system, self._system = self._system, []
        if system and not self._messages:
            self._add("user", system, "messages")
            return [], self._messages
        if system:
            self._notes.places.note("system", system[0][1])
        for index, (_, origin) in enumerate(system):
            self._notes.places.note(f"system.{index}", origin)
        return [block for block, _ in system], self._messages

    def _add_system(self, blocks: list[Placed]) -> None:
        """What the developer says, wherever it stands."""
        self._refuse_unanswered()
        self._system.extend(blocks)

    def _add(self, role: str, blocks: list[Placed], path: str) -> None:
        """What the user or the assistant says, at `path`."""
        self._refuse_unanswered()
        if not blocks:
            raise InvalidRequest(path, f"{role} messages must have non-empty content")
        for block, origin in blocks:
            self._place(role, block, origin, path)

    def _add_call(self, call_id: str, name: str, arguments: str, path: str, origin: str) -> None:
        """A call of a tool, which stands at `origin`, in the assistant's message at `path`."""
        if call_id in self._unanswered:
            raise InvalidRequest(f"{origin}.id", "the ids of calls must be unique")
        given = json_object(arguments, f"{origin}.function.arguments")
        block = {"type": "tool_use", "id": call_id, "name": name, "input": given}
        place = self._place("assistant", block, origin, path)
        for step in ("", ".tool_use"):
            self._notes.places.note(f"{place}{step}.input", f"{origin}.function.arguments")
            self._notes.places.note(f"{place}{step}.name", f"{origin}.function.name")
        self._unanswered[call_id] = origin

    def _add_result(self, call_id: str, blocks: list[Placed], path: str, id_path: str) -> None:
        """The result of the call of that id."""
        if self._unanswered.pop(call_id, None) is None:
            raise InvalidRequest(
                id_path,
                "a tool's message must be the one response to a call in the assistant's message before it, "
                f"and {call_id[:100]!r} is no such call",
            )
        content = [block for block, _ in blocks]
        place = self._place(
            "user", {"type": "tool_result", "tool_use_id": call_id, "content": content}, path, path
        )
        for index, (_, origin) in enumerate(blocks):
            self._notes.places.note(f"{place}.tool_result.content.{index}", origin)

    def _read_system(self, message: dict[str, Any], path: str) -> None:
        known_keys(message, path, "role", "content", "name")
        self._ignore_name(message, path)
        content = required(message, "content", path)
        self._add_system(read_content(content, f"{path}.content", self._notes, "text"))

    def _read_user(self, message: dict[str, Any], path: str) -> None:
        known_keys(message, path, "role", "content", "name")
        self._ignore_name(message, path)
        content = required(message, "content", path)
        self._add(
            "user", read_content(content, f"{path}.content", self._notes, "text", "image_url", "file"), path
        )

    def _read_assistant(self, message: dict[str, Any], path: str) -> None:
        self._refuse_unanswered()
        told = known_keys(message, path, *_ASSISTANT_KEYS)
        self._ignore_name(message, path)
        for key in ("audio", "function_call"):
            if key in told:
                raise Unsupported(
                    f"{path}.{key}", "this server does not support this part of an assistant's message"
                )
        for key in ("annotations", "reasoning_content"):
            if told.get(key):
                self._notes.ignored.append(f"{path}.{key}")
        blocks = read_content(told.get("content", ""), f"{path}.content", self._notes, "text", "refusal")
        if refusal := string(told.get("refusal", ""), f"{path}.refusal"):
            blocks.append((text_block(refusal), f"{path}.refusal"))
        calls = array(told.get("tool_calls", []), f"{path}.tool_calls")
        if blocks or not calls:
            self._add("assistant", blocks, path)
        for index, call in enumerate(calls):
            self._read_call(call, item(f"{path}.tool_calls", index), path)

    def _read_call(self, value: object, origin: str, path: str) -> None:
        call = obj(value, origin)
        if call.get("type") == "custom":
            raise Unsupported(f"{origin}.type", "this server does not support custom tools")
        one_of(required(call, "type", origin), f"{origin}.type", "function")
        # A call that was put together from chunks may keep their index.
        call = known_keys(call, origin, "type", "id", "function", "index")
        inner = f"{origin}.function"
        function = known_keys(required(call, "function", origin), inner, *_FUNCTION_KEYS)
        call_id = string(required(call, "id", origin), f"{origin}.id")
        name = string(required(function, "name", inner), f"{inner}.name")
        arguments = string(required(function, "arguments", inner), f"{inner}.arguments")
        self._add_call(call_id, name, arguments, path, origin)

    def _read_tool(self, message: dict[str, Any], path: str) -> None:
        known_keys(message, path, "role", "content", "tool_call_id", "name")
        self._ignore_name(message, path)
        call_id = string(required(message, "tool_call_id", path), f"{path}.tool_call_id")
        content = read_content(required(message, "content", path), f"{path}.content", self._notes, "text")
        self._add_result(call_id, content, path, f"{path}.tool_call_id")

    def _ignore_name(self, message: dict[str, Any], path: str) -> None:
        if message.get("name") is not None:
            string(message["name"], f"{path}.name")
            self._notes.ignored.append(f"{path}.name")

    def _refuse_unanswered(self) -> None:
        if self._unanswered:
            ids = ", ".join(each[:100] for each in list(self._unanswered)[:10])
            raise InvalidRequest(
                next(iter(self._unanswered.values())),
                "an assistant's message with calls must be followed by a tool's message for each of them; "
                f"there is none for: {ids}",
            )

    def _place(self, role: str, block: Block, origin: str, path: str) -> str:
        if not self._messages or self._messages[-1]["role"] != role:
            self._messages.append({"role": role, "content": []})
        content = self._messages[-1]["content"]
        content.append(block)
        turn = f"messages.{len(self._messages) - 1}"
        place = f"{turn}.content.{len(content) - 1}"
        self._notes.places.note(turn, path)
        self._notes.places.note(place, origin)
        return place


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
