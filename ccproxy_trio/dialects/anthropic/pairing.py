"""Each call of a tool has its result in the message after it, and each result its call in the message before.

The CLI would repair what does not pair, with results and texts of its own, and the API would never see the mistake.
So it is told here, in the API's words. Server tools have their results in the same message, and the API looks after
those.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from ccproxy_trio.dialects.anthropic.blocks import ContentBlock


def refuse_unpaired(turns: Sequence[Sequence[ContentBlock]], paths: Sequence[str]) -> None:
    """Raise InvalidRequest for the first call without a result, result without a call, or id used twice.

    `turns` are the contents of messages that take turns, the user's last; `paths` say where each stands, for the
    error.
    """
    called: dict[str, None] = {}
    ever_called: set[str] = set()
    for index, blocks in enumerate(turns):
        given = Counter(block["tool_use_id"] for block in blocks if block["type"] == "tool_result")
        _check_results(called, given, paths[index])
        if missing := [tool_use_id for tool_use_id in called if tool_use_id not in given]:
            raise _unanswered(missing, paths[index - 1])
        called = {}
        for tool_use_id in [block["id"] for block in blocks if block["type"] == "tool_use"]:
            if tool_use_id in ever_called:
                raise InvalidRequest(paths[index], "`tool_use` ids must be unique")
            ever_called.add(tool_use_id)
            called[tool_use_id] = None


def _check_results(called: Container[str], given: Mapping[str, int], path: str) -> None:
    for tool_use_id, count in given.items():
        if tool_use_id not in called:
            raise InvalidRequest(
                path,
                f"unexpected `tool_use_id` found in `tool_result` blocks: {tool_use_id[:100]}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message.",
            )
        if count > 1:
            raise InvalidRequest(
                path,
                "each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{tool_use_id[:100]}",
            )


def _unanswered(ids: Sequence[str], path: str) -> InvalidRequest:
    told = ", ".join(tool_use_id[:100] for tool_use_id in ids[:10])
    return InvalidRequest(
        path,
        f"`tool_use` ids were found without `tool_result` blocks immediately after: {told}. Each `tool_use` block "
        "must have a corresponding `tool_result` block in the next message.",
    )
