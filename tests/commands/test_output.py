"""What becomes of the output where it cannot be written, or where colours or wide letters are out of place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ccproxy_trio.watch._run import cut
from tests.commands.screen import open_session

PROGRAM = [sys.executable, "-m", "ccproxy_trio"]


@pytest.mark.parametrize("command", [["--help"], ["config", "show"]], ids=" ".join)
def test_a_full_disk_is_told_in_a_word(command: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*PROGRAM, *command],
            cwd=tmp_path,
            env={"PATH": os.defpath},
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=30,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"ccproxy-trio: No space left on device\n")


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize(
    ("command", "said"),
    [("config show", "log.prompts"), ("stats --watch --url=http://127.0.0.1:9", "trying again")],
)
async def test_colours_are_left_out_where_they_are_not_wanted(
    command: str, said: str, wanted: bool, tmp_path: Path
) -> None:
    environ = {"PATH": os.defpath, **({} if wanted else {"NO_COLOR": "1"})}
    async with open_session(
        [*PROGRAM, *command.split()], environ, tmp_path, width=200, height=100
    ) as session:
        await session.until(lambda text: said in text)
        session.process.send_signal(signal.SIGINT)
    assert session.screen.coloured == wanted


def test_a_narrow_terminal_shows_what_it_can() -> None:
    assert cut("last error 接続できません", 17) == "last error 接続で"
    assert cut("last error 接続できません", 16) == "last error 接続"
    assert cut("abc", 3) == "abc"
    assert cut("started                   2      0.0", 20) == "started  2  0.0"
    assert cut("started                   2      0.0", 40) == "started                   2      0.0"
    assert cut("abc", 2) == "ab"
