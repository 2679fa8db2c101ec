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
    from collections.abc import Sequence

    from ccproxy_trio.dialects.anthropic.blocks import ContentBlock


def refuse_unpaired(turns: Sequence[Sequence[ContentBlock]], paths: Sequence[str]) -> None:
    """Raise InvalidRequest for the first call without a result, or result without a call.

    `turns` are the contents of messages that take turns, from the user and to the user; `paths` say where each
    stands, for the error.
    """
    called: list[str] = []
    for index, blocks in enumerate(turns):
        _check_results(called, blocks, paths, index)
        called = [block["id"] for block in blocks if block["type"] == "tool_use"]
        if len(set(called)) < len(called):
            raise InvalidRequest(paths[index], "`tool_use` ids must be unique")


def _check_results(
    called: Sequence[str], blocks: Sequence[ContentBlock], paths: Sequence[str], index: int
) -> None:
    given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
    for tool_use_id, count in Counter(given).items():
        if tool_use_id not in called:
            raise InvalidRequest(
                paths[index],
                f"unexpected `tool_use_id` found in `tool_result` blocks: {tool_use_id[:100]}. Each `tool_result` "
                "block must have a corresponding `tool_use` block in the previous message.",
            )
        if count > 1:
            raise InvalidRequest(
                paths[index],
                "each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
                f"{tool_use_id[:100]}",
            )
    if missing := [tool_use_id for tool_use_id in called if tool_use_id not in given]:
        raise _unanswered(missing, paths[index - 1])


def _unanswered(ids: Sequence[str], path: str) -> InvalidRequest:
    told = ", ".join(tool_use_id[:100] for tool_use_id in ids[:10])
    return InvalidRequest(
        path,
        f"`tool_use` ids were found without `tool_result` blocks immediately after: {told}. Each `tool_use` block "
        "must have a corresponding `tool_result` block in the next message.",
    )
