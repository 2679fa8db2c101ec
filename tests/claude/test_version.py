"""Asking a CLI for its version, whatever it is that is asked."""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

import pytest

from ccproxy_trio.claude import version
from ccproxy_trio.claude.errors import CliUnusable
from ccproxy_trio.claude.version import ask_version, refuse_version


def make_cli(path: Path, script: str, interpreter: str = "/bin/sh") -> Path:
    path.write_text(f"#!{interpreter}\n{script}\n")
    path.chmod(0o700)
    return path


def ask(path: Path, **environ: str) -> str:
    return ask_version((str(path),), path, environ)


def lives(pid: int) -> bool:
    try:
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # a zombie has none
    except FileNotFoundError:
        return False


def wait_for_end(pid: int) -> None:
    until = time.monotonic() + 20
    while lives(pid):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_it_is_the_first_thing_said(tmp_path: Path) -> None:
    assert ask(make_cli(tmp_path / "claude", "echo '2.1.330 (Claude Code)'")) == "2.1.330"


def test_a_script_finds_its_interpreter_as_an_instance_will(tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    make_cli(tools / "their-node", "echo 2.1.330")
    cli = make_cli(tmp_path / "claude", "", "/usr/bin/env their-node")
    assert ask(cli, PATH=f"{tools}:/usr/bin:/bin") == "2.1.330"
    with pytest.raises(CliUnusable, match=r"exited with 127: .*their-node"):
        ask(cli, PATH="/usr/bin:/bin")


def test_no_other_variable_is_told(tmp_path: Path) -> None:
    cli = make_cli(tmp_path / "claude", "echo ${ANTHROPIC_API_KEY-2.1.330}")
    assert ask(cli, ANTHROPIC_API_KEY="secret", PATH="/usr/bin:/bin") == "2.1.330"


@pytest.mark.parametrize("script", ["sleep 60", "exec yes", "yes >&2", "trap '' TERM; sleep 60 & wait"])
def test_its_time_and_its_output_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(version, "_TIMEOUT", 0.2)
    with pytest.raises(CliUnusable, match=r"claude --version gave no answer within 0\.2 s$"):
        ask(make_cli(tmp_path / "claude", script))


def test_it_is_not_waited_for_when_something_is_wrong_on_our_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(os, "pidfd_open", fail)
    with pytest.raises(CliUnusable, match="cannot be executed: Too many open files"):
        ask(make_cli(tmp_path / "claude", "sleep 60"))


@pytest.mark.parametrize("ends", ["echo 2.1.330", "wait"])
def test_what_it_leaves_behind_holds_up_nothing_and_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    left = tmp_path / "pid"
    cli = make_cli(tmp_path / "claude", f"sleep 60 & echo $! > {left}; {ends}")
    if ends == "wait":
        monkeypatch.setattr(version, "_TIMEOUT", 1.0)
        with pytest.raises(CliUnusable, match="gave no answer"):
            ask(cli)
    else:
        assert ask(cli) == "2.1.330"
    wait_for_end(int(left.read_text()))


def test_what_it_leaves_behind_with_nothing_of_ours_is_ended(tmp_path: Path) -> None:
    left = tmp_path / "pid"
    lines = (
        "import pathlib, subprocess",
        "left = subprocess.Popen(['sleep', '60'])  # subprocess closes what it would inherit",
        f"pathlib.Path('{left}').write_text(str(left.pid))",
        "print('2.1.330', flush=True)",
    )
    assert ask(make_cli(tmp_path / "claude", "\n".join(lines), sys.executable)) == "2.1.330"
    wait_for_end(int(left.read_text()))


def test_what_it_says_instead_is_quoted_on_one_line(tmp_path: Path) -> None:
    cli = make_cli(tmp_path / "claude", r"printf 'no\n\tway \033[2Jout\n' >&2; exit 4")
    with pytest.raises(CliUnusable, match=r"--version exited with 4: no way \[2Jout$"):
        ask(cli)
    with pytest.raises(CliUnusable, match=r"printed no version: x{200}$"):
        ask(make_cli(cli, f"echo {'x' * 1000}"))


def test_which_are_refused() -> None:
    assert refuse_version("2.1.248") is None
    assert refuse_version("10.0.0") is None
    assert refuse_version("2.1.247") == "version 2.1.247; 2.1.248 or later is needed"
    assert refuse_version("") == "version (not told); 2.1.248 or later is needed"
