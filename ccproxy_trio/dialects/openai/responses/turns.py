"""The turns of a Messages request, put together from items that come one by one.

Items of one side in a row become one turn. What the developer says has no place among them: it becomes the system
prompt, in order, wherever it stands; alone, it is said by the user. A call has its output in the very next turn of
the user's, before anything else there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field

from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from ccproxy_trio.dialects.openai.parts import Block, Placed
    from ccproxy_trio.dialects.openai.places import Notes


@define
class Turns:
    """Takes what is said, with the path of each item and part of an item."""

    _notes: Notes
    _system: list[Placed] = field(factory=list, init=False)
    _developer: list[Placed] = field(factory=list, init=False)
    _messages: list[dict[str, Any]] = field(factory=list, init=False)
    _unanswered: dict[str, str] = field(factory=dict, init=False)

    def instruct(self, text: Block, path: str) -> None:
        """The request's own instructions, which come before all that the developer says."""
        self._system.append((text, path))

    def add_developer(self, blocks: list[Placed]) -> None:
        """What the developer says."""
        self._developer.extend(blocks)

    def add_user(self, blocks: list[Placed], path: str) -> None:
        """What the user says."""
        self._refuse_unanswered()
        if not blocks:
            raise InvalidRequest(path, "user messages must have non-empty content")
        for block, origin in blocks:
            self._place("user", block, origin, path)

    def add_assistant(self, blocks: list[Placed], path: str) -> None:
        """What the model said or thought; it may be nothing."""
        for block, origin in blocks:
            self._place("assistant", block, origin, path)

    def add_call(self, call: Block, path: str) -> None:
        """A call of a function."""
        if call["id"] in self._unanswered:
            raise InvalidRequest(f"{path}.call_id", "the ids of calls must be unique")
        place = self._place("assistant", call, path, path)
        for step in ("", ".tool_use"):
            self._notes.places.note(f"{place}{step}.input", f"{path}.arguments")
        self._unanswered[call["id"]] = path

    def add_output(self, call_id: str, blocks: list[Placed], path: str) -> None:
        """The output of the call of that id."""
        if self._unanswered.pop(call_id, None) is None:
            raise InvalidRequest(
                f"{path}.call_id",
                "an output must be the one for a call in the items before it, and none that waits for one has the id "
                f"{call_id[:100]!r}",
            )
        content = [block for block, _ in blocks]
        result = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        place = self._place("user", result, path, path)
        for index, (_, origin) in enumerate(blocks):
            self._notes.places.note(f"{place}.tool_result.content.{index}", origin)

    def finish(self) -> tuple[list[Block], list[dict[str, Any]]]:
        """The system prompt's blocks and the messages, when all has been taken."""
        self._refuse_unanswered()
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

    def _refuse_unanswered(self) -> None:
        for call_id, path in self._unanswered.items():
            raise InvalidRequest(
                path,
                "a call must be followed by its function_call_output, before anything the user says; there is none "
                f"for {call_id[:100]!r}",
            )

    def _place(self, role: str, block: Block, origin: str, path: str) -> str:
        if not self._messages or self._messages[-1]["role"] != role:
            if role == "assistant":
                self._refuse_unanswered()
            self._messages.append({"role": role, "content": []})
        content = self._messages[-1]["content"]
        content.append(block)
        turn = f"messages.{len(self._messages) - 1}"
        place = f"{turn}.content.{len(content) - 1}"
        self._notes.places.note(turn, path)
        self._notes.places.note(place, origin)
        return place
