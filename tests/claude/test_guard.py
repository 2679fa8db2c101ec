"""The guard, as an answer begins: when it comes too late, and when the CLI does not answer it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.claude.demo import command
from ccproxy_trio.claude.errors import InstanceSilent, NotRewound
from ccproxy_trio.claude.locate import Cli, locate_cli
from tests.claude.instances import ENVIRON, ask, hurry, launcher

if TYPE_CHECKING:
    from pathlib import Path

SHELL = """#!{python}
import os, subprocess, sys, time
child = subprocess.Popen([*{command!r}, *sys.argv[1:]], stdin=sys.stdin, stdout=subprocess.PIPE)
held, begun = [], False
for line in child.stdout:
    begun = begun or b'"message_start"' in line
    {rule}
    sys.stdout.buffer.write(b"".join(held))
    sys.stdout.buffer.flush()
    held.clear()
sys.exit(child.wait())
"""

IN_ONE_PIECE = """held.append(line)
    if begun and b'"result"' not in line: continue
    begun = False"""
WITHOUT_AN_ANSWER = """if begun and b'"control_response"' in line: continue
    held.append(line)"""

WHOLE_BUT_DEAD = """held.append(line)
    if begun and b'"result"' not in line and b'"system"' not in line: continue
    if begun:
        child.kill(); child.wait(); os.close(0)
        beginning = held[: 1 + max(n for n, each in enumerate(held) if b'"message_start"' in each)]
        sys.stdout.buffer.write(b"".join(beginning)); sys.stdout.buffer.flush(); time.sleep(0.1)
        sys.stdout.buffer.write(b"".join(held[len(beginning) :])); sys.stdout.buffer.flush()
        sys.exit(70)"""


def cli_that(folder: Path, rule: str) -> Cli:
    """The stand-in, its output treated by a rule."""
    path = folder / "claude"
    path.write_text(SHELL.format(python=sys.executable, command=command(), rule=rule))
    path.chmod(0o755)
    return locate_cli(str(path), "auto", ENVIRON)


@pytest.mark.parametrize("prompt", ["x", "[[stop=max_tokens]] x"])
async def test_an_answer_that_comes_in_one_piece(tmp_path: Path, prompt: str) -> None:
    async with launcher(cli_that(tmp_path, IN_ONE_PIECE)).open() as instance:
        for _ in range(2):
            assert await ask(instance, prompt) == "Demo echo: x"
            await instance.reset()
        assert instance.exchange.untouched


async def test_a_guard_that_is_not_answered_ends_the_instance(tmp_path: Path) -> None:
    cli = cli_that(tmp_path, WITHOUT_AN_ANSWER)
    async with launcher(cli).open() as instance:
        assert await ask(instance, "x") == "Demo echo: x"
        hurry(instance, control=0.5)
        with pytest.raises(InstanceSilent, match=r"gave no answer to the rewind within 0\.5 s"):
            await instance.reset()


@pytest.mark.parametrize("prompt", ["x", "[[stop=max_tokens]] x"])
async def test_a_whole_answer_of_a_child_that_has_died_is_read(tmp_path: Path, prompt: str) -> None:
    async with launcher(cli_that(tmp_path, WHOLE_BUT_DEAD)).open() as instance:
        assert await ask(instance, prompt) == "Demo echo: x"
        with pytest.raises(NotRewound):
            await instance.reset()
