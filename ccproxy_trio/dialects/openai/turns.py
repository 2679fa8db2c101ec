"""The system prompt and the turns of a Messages request, put together from what is said, bit by bit.

What one side says in a row becomes one turn, so that each turn upstream is one here, and its place is known. The
results of calls stand in the very next turn of the user's, before anything else there.

Two things OpenAI's API has and the Messages API has not. The developer may speak anywhere: that is joined in order
into the system prompt, so that it keeps its authority and loses its position. And a conversation may be the
developer's words alone: then the user says them.

A thought is carried with what the model said or did after it. Where that is nothing, as the answer was cut off there,
it has no effect: the CLI leaves out an answer of thoughts alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen

from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from ccproxy_trio.dialects.openai.parts import Block, Placed
    from ccproxy_trio.dialects.openai.places import Notes

_MOST_NAMED = 10


@frozen
class Call:
    """A call of a function by the model."""

    id: str
    name: str
    arguments: dict[str, Any]
    path: str
    """Where the call stands."""
    id_path: str
    """Where its id stands."""
    function_path: str
    """Where the name and the arguments stand."""


@define
class Turns:
    """Takes what is said, with the path of each message or item, and of each part of it."""

    _notes: Notes
    _unanswered_rule: str
    """What is broken by a call without a result; the ids follow."""
    _stray_rule: str
    """What is broken by a result without a call; the id follows."""
    _system: list[Placed] = field(factory=list, init=False)
    _developer: list[Placed] = field(factory=list, init=False)
    _messages: list[dict[str, Any]] = field(factory=list, init=False)
    _thoughts: list[tuple[Block, str, str]] = field(
        factory=list, init=False
    )  # not yet placed, with both paths
    _unanswered: dict[str, str] = field(factory=dict, init=False)  # ids of calls, with the calls' paths

    def instruct(self, text: Block, path: str) -> None:
        """The request's own instructions, which come before all that the developer says."""
        self._system.append((text, path))

    def add_developer(self, blocks: list[Placed]) -> None:
        """What the developer says."""
        self._developer.extend(blocks)

    def add_user(self, blocks: list[Placed], path: str) -> None:
        """What the user says."""
        self.refuse_unanswered()
        if not blocks:
            raise InvalidRequest(path, "user messages must have non-empty content")
        for block, origin in blocks:
            self._place("user", block, origin, path)

    def add_assistant(self, blocks: list[Placed], path: str) -> None:
        """What the model said; it may be nothing."""
        for block, origin in blocks:
            self._place("assistant", block, origin, path)

    def add_thought(self, block: Block, origin: str, path: str) -> None:
        """What the model thought: a block that was made from what stands at `origin`, in the item at `path`."""
        self._thoughts.append((block, origin, path))

    def add_call(self, call: Call, path: str) -> None:
        """A call, which is part of what stands at `path`."""
        if call.id in self._unanswered:
            raise InvalidRequest(call.id_path, "the ids of calls must be unique")
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments}
        place = self._place("assistant", block, call.path, path)
        for step in ("", ".tool_use"):
            self._notes.places.note(f"{place}{step}.input", f"{call.function_path}.arguments")
            self._notes.places.note(f"{place}{step}.name", f"{call.function_path}.name")
        self._unanswered[call.id] = call.path

    def add_result(self, call_id: str, blocks: list[Placed], path: str, id_path: str) -> None:
        """The result of the call of that id."""
        if self._unanswered.pop(call_id, None) is None:
            raise InvalidRequest(id_path, f"{self._stray_rule} {call_id[:100]!r}")
        content = [block for block, _ in blocks]
        result = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        place = self._place("user", result, path, path)
        for index, (_, origin) in enumerate(blocks):
            self._notes.places.note(f"{place}.tool_result.content.{index}", origin)

    def refuse_unanswered(self) -> None:
        """Raise InvalidRequest if a call has no result yet."""
        if self._unanswered:
            ids = ", ".join(f"{each[:100]!r}" for each in list(self._unanswered)[:_MOST_NAMED])
            raise InvalidRequest(next(iter(self._unanswered.values())), f"{self._unanswered_rule} {ids}")

    def finish(self) -> tuple[list[Block], list[dict[str, Any]]]:
        """The system prompt's blocks and the messages, when all has been taken."""
        self.refuse_unanswered()
        self._place_thoughts("user")
        if not self._messages:
            for block, origin in self._developer:
                self._place("user", block, origin, origin)
            self._developer = []
        system = [*self._system, *self._developer]
        if system:
            self._notes.places.note("system", system[0][1])
        for index, (_, origin) in enumerate(system):
            self._notes.places.note(f"system.{index}", origin)
        return [block for block, _ in system], self._messages

    def _place_thoughts(self, role: str) -> None:
        """Place the thoughts before something that is said in that role."""
        thoughts, self._thoughts = self._thoughts, []
        for block, origin, path in thoughts:
            if "assistant" in (role, self._messages[-1]["role"] if self._messages else None):
                self._place("assistant", block, origin, path)
            else:
                self._notes.ignored.append(path)

    def _place(self, role: str, block: Block, origin: str, path: str) -> str:
        if self._thoughts:
            self._place_thoughts(role)
        if not self._messages or self._messages[-1]["role"] != role:
            if role == "assistant":
                self.refuse_unanswered()
            self._messages.append({"role": role, "content": []})
        content = self._messages[-1]["content"]
        content.append(block)
        turn = f"messages.{len(self._messages) - 1}"
        place = f"{turn}.content.{len(content) - 1}"
        self._notes.places.note(turn, path)
        self._notes.places.note(place, origin)
        return place
