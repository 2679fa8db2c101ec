"""Real children: they end with us whatever they do, and are quoted by the end of their stderr."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.claude.lifeline import GO, Lifeline, wait_for_go
from ccproxy_trio.claude.process import open_process
from tests.server.proxy import children

if TYPE_CHECKING:
    from collections.abc import Callable

ENV = {"PATH": os.environ["PATH"]}


def descriptors() -> set[str]:
    return set(os.listdir("/proc/self/fd"))  # noqa: PTH208 -- names, not paths


def is_running(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


async def until(condition: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not condition():  # noqa: ASYNC110 -- the kernel sets no event
            await trio.sleep(0.01)


async def test_it_reads_and_writes(tmp_path: Path) -> None:
    before = descriptors()
    async with open_process(["cat"], env=ENV, cwd=tmp_path) as process:
        await process.send(b"hello\n")
        assert await process.receive() == b"hello\n"
        pid = process.pid
    assert not is_running(pid)
    assert len(descriptors()) == len(before)


async def test_it_gets_exactly_the_environment_and_folder_given(tmp_path: Path) -> None:
    os.environ["CCPROXY_TEST_SECRET"] = "leak"
    try:
        async with open_process(["sh", "-c", "env; pwd"], env={**ENV, "A": "1"}, cwd=tmp_path) as process:
            said = b""
            while chunk := await process.receive():
                said += chunk
    finally:
        del os.environ["CCPROXY_TEST_SECRET"]
    lines = said.decode().split()
    assert "A=1" in lines
    assert str(tmp_path) in lines
    assert "leak" not in said.decode()


async def test_what_ignores_everything_is_killed_with_all_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM INT HUP; sleep 1000 & echo $!; wait; wait; wait"
    async with open_process(["sh", "-c", script], env=ENV, cwd=tmp_path) as process:
        grandchild = int(await process.receive())
        assert is_running(grandchild)
    assert not is_running(process.pid)
    await until(lambda: not is_running(grandchild))


async def test_an_exit_ends_its_group_so_that_the_output_ends_too(tmp_path: Path) -> None:
    async with open_process(["sh", "-c", "sleep 1000 & exit 3"], env=ENV, cwd=tmp_path) as process:
        assert await process.wait() == 3
        with trio.fail_after(10):
            assert await process.receive() == b""


async def test_a_signal_is_told_as_subprocess_tells_it(tmp_path: Path) -> None:
    async with open_process(["sleep", "1000"], env=ENV, cwd=tmp_path) as process:
        process.signal_group(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        process.signal_group(signal.SIGKILL)  # to nobody


async def test_killed_before_it_began_it_is_told_in_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tie_too_late(lifeline: Lifeline, group: int) -> None:
        tie(lifeline, group)
        os.kill(group, signal.SIGKILL)
        os.waitid(os.P_PID, group, os.WEXITED | os.WNOWAIT)

    tie = Lifeline.tie
    monkeypatch.setattr(Lifeline, "tie", tie_too_late)
    before = descriptors()
    async with open_process(["cat"], env=ENV, cwd=tmp_path) as process:
        assert await process.receive() == b""
        assert await process.wait() == -signal.SIGKILL
    assert len(descriptors()) == len(before)


async def test_several_tasks_may_await_its_exit(tmp_path: Path) -> None:
    statuses: list[int] = []
    async with open_process(["sh", "-c", "read line; exit 3"], env=ENV, cwd=tmp_path) as process:

        async def wait() -> None:
            statuses.append(await process.wait())

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(wait)
            await process.send(b"end\n")
    assert statuses == [3, 3, 3]


async def test_a_cancelled_write_is_whole_if_the_pipe_has_room(tmp_path: Path) -> None:
    async with open_process(["cat"], env=ENV, cwd=tmp_path) as process:
        with trio.CancelScope() as scope:
            scope.cancel()
            await process.send(b"hello\n")
        assert await process.receive() == b"hello\n"
        with trio.move_on_after(0.05) as scope:
            await process.send(bytes(10_000_000))
        assert scope.cancelled_caught


async def test_stderr_never_blocks_and_its_end_is_kept(tmp_path: Path) -> None:
    script = "yes warning | head -c 1000000 >&2; echo 'the end \\377' >&2; echo done"
    async with open_process(["sh", "-c", script], env=ENV, cwd=tmp_path) as process:
        assert await process.receive() == b"done\n"
        await process.wait()
        assert process.stderr_tail.endswith("the end \ufffd")
        assert len(process.stderr_tail) <= 8 * 1024


async def test_who_waits_for_the_exit_has_the_last_words_whichever_pipe_is_read_first(tmp_path: Path) -> None:
    for _ in range(30):
        async with open_process(["sh", "-c", "echo why >&2; exit 3"], env=ENV, cwd=tmp_path) as process:
            assert await process.wait() == 3
            assert process.stderr_tail == "why"


async def test_a_stderr_that_somebody_else_holds_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("away", "end"):
        os.mkfifo(tmp_path / name)
    # It has left the group, or it would be killed with it.
    script = "setsid sh -c 'echo >away; read line <end' & read line <away; echo why >&2; exit 3"
    async with open_process(["sh", "-c", script], env=ENV, cwd=tmp_path) as process:
        assert await process.wait() == 3
        assert process.stderr_tail == "why"
        (tmp_path / "end").write_text("now\n")  # it still holds it: there is somebody to read this


async def test_cancelled_it_is_closed_all_the_same(tmp_path: Path) -> None:
    with trio.move_on_after(0.05):
        async with open_process(["sleep", "1000"], env=ENV, cwd=tmp_path) as process:
            await process.receive()
    assert not is_running(process.pid)


async def test_what_cannot_be_started_is_an_error_without_a_leak(tmp_path: Path) -> None:
    before = len(descriptors())
    with pytest.raises(OSError, match="No such file"):
        async with open_process(["true"], env=ENV, cwd=tmp_path / "missing"):
            pass
    assert len(descriptors()) == before


@pytest.mark.parametrize("number", [signal.SIGCONT, signal.SIGSTOP], ids=["running", "frozen"])
def test_it_dies_with_all_that_it_started_when_its_parent_is_killed(
    tmp_path: Path, number: signal.Signals
) -> None:
    program = f"""
import os, trio
from pathlib import Path
from ccproxy_trio.claude.lifeline import GO, wait_for_go
from ccproxy_trio.claude.process import open_process
async def main():
    argv = ["sh", "-c", "trap '' TERM HUP INT; sleep 1000 & echo $$ $!; wait; wait"]
    async with open_process(argv, env=dict(os.environ), cwd=Path({str(tmp_path)!r})) as process:
        print((await process.receive()).decode(), end="", flush=True)
        await trio.sleep_forever()
trio.run(main)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        family = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(is_running, family))
        os.killpg(family[0], number)
        parent.kill()
    trio.run(until, lambda: not any(map(is_running, family)))


async def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    async with open_process([str(tmp_path / "nothing")], env=ENV, cwd=tmp_path) as process:
        assert await process.wait() == 127
        assert str(tmp_path / "nothing") in process.stderr_tail


def test_it_does_not_begin_before_it_is_tied() -> None:
    command = wait_for_go(["cat"])
    assert subprocess.run(command, input=b"", capture_output=True, check=False).returncode == 1
    assert subprocess.run(command, input=GO + b"all\n", capture_output=True, check=True).stdout == b"all\n"


async def test_out_of_descriptors_nothing_is_left(tmp_path: Path) -> None:
    before = descriptors()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    failures = []
    for limit in [number for number in range(999) if str(number) not in before][:30]:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            async with open_process(["cat"], env=ENV, cwd=tmp_path) as process:
                await process.send(b"x")
                assert await process.receive() == b"x"
        except OSError as error:
            failures.append(error.errno)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert len(descriptors()) == len(before)
        assert children() == set()
    assert 5 < len(failures) < 30  # and the last ones had room
    assert {*failures} == {errno.EMFILE}
