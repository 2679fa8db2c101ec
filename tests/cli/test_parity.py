"""The stand-in against the real binary: one script of frames, and the same frames back, as far as we rely on them.

A difference here means that the CLI has changed, or that the stand-in tells something that is not so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.claude.demo import command
from tests.cli.api_stories import (
    tell_the_blocks,
    tell_the_caching,
    tell_the_ends,
    tell_the_guard,
    tell_the_questions,
    tell_the_settings,
    tell_the_tools,
)
from tests.cli.child import FLAGS, control, is_response, open_child
from tests.cli.stories import tell_the_failures, tell_the_interruptions, tell_the_setup, tell_the_turns
from tests.cli.story import Story

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from tests.fake_api import FakeApi

pytestmark = [pytest.mark.cli, pytest.mark.timeout(120)]

PLAIN = FLAGS
ONE_TURN = (*FLAGS, "--max-turns", "1", "--effort", "high")


@pytest.mark.parametrize(
    ("tell", "flags"),
    [
        (tell_the_setup, PLAIN),
        (tell_the_turns, PLAIN),
        (tell_the_failures, PLAIN),
        (tell_the_interruptions, PLAIN),
        (tell_the_settings, ONE_TURN),
        (tell_the_caching, ONE_TURN),
        (tell_the_guard, ONE_TURN),
        (tell_the_tools, ONE_TURN),
        (tell_the_ends, ONE_TURN),
        (tell_the_blocks, ONE_TURN),
        (tell_the_questions, PLAIN),
    ],
)
async def test_the_stand_in_speaks_like_the_binary(
    tell: Callable[[Story], Awaitable[None]],
    flags: tuple[str, ...],
    claude_binary: Path,
    fake_api: FakeApi,
    cli_environment: Mapping[str, str],
    tmp_path: Path,
) -> None:
    stories = []
    for head in ((str(claude_binary),), command()):
        async with open_child([*head, *flags], cli_environment, tmp_path) as child:
            stories.append(Story(child, fake_api.url))
            await tell(stories[-1])
    real, demo = stories
    assert list(demo.steps) == list(real.steps)
    for step in real.steps:
        assert demo.steps[step] == real.steps[step], step
    for step in real.bodies:
        assert demo.bodies[step] == real.bodies[step], step
    assert all(request.path.startswith("/v1/messages") for request in fake_api.requests)


@pytest.mark.parametrize(
    "line",
    [
        b"{nope\n",
        b"null\n",
        b'{"type":"user"}\n',
        b'{"type":"user","message":{"role":"assistant","content":"x"}}\n',
        b'{"type":"control_request","request_id":"x"}\n',
    ],
)
async def test_both_die_of_the_same_lines(
    line: bytes, claude_binary: Path, cli_environment: Mapping[str, str], tmp_path: Path
) -> None:
    last_words = []
    for head in ((str(claude_binary),), command()):
        async with open_child([*head, *FLAGS], cli_environment, tmp_path) as child:
            # Not fatal, and not answered.
            await child.send(
                b"\n", b"[1]\n", b'"text"\n', b"42\n", b'{"type":"banana"}\n', control("get_binary_version")
            )
            await child.until(is_response)
            await child.send(line)
            assert await child.exit_code() == 1
            last_words.append(bytes(child.stderr))
    assert last_words[0] == last_words[1]
