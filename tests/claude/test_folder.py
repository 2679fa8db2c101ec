"""Private folders: gone with their instance, or with the next start when their server was killed."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ccproxy_trio.claude.folder import PREFIX, open_private_folder, sweep_private_folders

HOLDER = """
import sys
from ccproxy_trio.claude.folder import open_private_folder
with open_private_folder() as folder:
    (folder.temporary / "left behind").write_text("x")
    (folder.temporary / "link").symlink_to(folder.path.parent / "precious")
    print(folder.path, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own, for children too."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def open_holder() -> tuple[subprocess.Popen[bytes], Path]:
    """Another process with a folder."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    return holder, Path(os.fsdecode(holder.stdout.readline().rstrip()))


def test_it_is_gone_with_all_that_is_in_it() -> None:
    with open_private_folder() as folder:
        assert list(folder.working.iterdir()) == []
        assert folder.path.stat().st_mode & 0o077 == 0
        (folder.temporary / "left behind").write_text("x")
    assert not folder.path.exists()


def test_what_lives_is_left_alone_and_what_is_dead_is_removed(temporary: Path) -> None:
    (temporary / "precious").mkdir()
    (temporary / "precious" / "file").write_text("x")
    living, his = open_holder()
    dead, late = open_holder()
    with living, dead, open_private_folder() as ours:
        sweep_private_folders()
        assert {*temporary.iterdir()} == {temporary / "precious", his, late, ours.path}
        living.send_signal(signal.SIGSTOP)  # alive all the same
        dead.kill()
        dead.wait()
        sweep_private_folders()
        assert {*temporary.iterdir()} == {temporary / "precious", his, ours.path}
        living.send_signal(signal.SIGCONT)
    assert (temporary / "precious" / "file").exists()
    assert [*temporary.iterdir()] == [temporary / "precious"]


@pytest.mark.parametrize("parts", [(), ("work",), ("tmp",), ("work", "tmp")], ids=str)
def test_what_was_killed_half_way_is_removed_too(temporary: Path, parts: tuple[str, ...]) -> None:
    for part in parts:
        (temporary / f"{PREFIX}half" / part).mkdir(parents=True)
    sweep_private_folders()
    assert [*temporary.iterdir()] == []


def test_what_is_not_ours_is_left_alone(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = temporary / "target"
    (target / "work").mkdir(parents=True)
    (temporary / f"{PREFIX}link").symlink_to(target)
    (temporary / f"{PREFIX}file").write_text("x")
    os.mkfifo(temporary / f"{PREFIX}fifo")
    (temporary / f"{PREFIX}checkout" / "work").mkdir(parents=True)
    (temporary / f"{PREFIX}checkout" / "README.md").write_text("somebody's own")
    (temporary / f"my-{PREFIX}x").mkdir()
    before = {*temporary.rglob("*")}
    sweep_private_folders()
    assert {*temporary.rglob("*")} == before
    (temporary / f"{PREFIX}of-another").mkdir()
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    sweep_private_folders()
    assert {*temporary.rglob("*")} == {*before, temporary / f"{PREFIX}of-another"}


def test_errors_are_no_reason_not_to_start(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(temporary / "missing"))
    sweep_private_folders()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with open_private_folder() as folder:
        sweep_private_folders()
        assert folder.working.is_dir()
    assert [*temporary.iterdir()] == []


@pytest.mark.parametrize("when", ["before the lock", "in the lock", "after it was opened"])
def test_a_sweep_that_comes_between_making_and_locking(
    when: str, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder that the sweep took is not used; another one is made."""
    taken: list[Path] = []
    rivals: list[int] = []
    mkdtemp, flock = tempfile.mkdtemp, fcntl.flock

    def make(**options: str) -> str:
        path = mkdtemp(**options)
        if not taken:
            taken.append(Path(path))
            if when == "before the lock":
                sweep_private_folders()
            elif when == "in the lock":
                rivals.append(os.open(path, os.O_RDONLY))
                flock(rivals[0], fcntl.LOCK_EX)
        return path

    def lock(descriptor: int, how: int) -> None:
        if when == "after it was opened" and len(taken) == 1:
            taken.append(taken[0])
            sweep_private_folders()
        flock(descriptor, how)

    monkeypatch.setattr(tempfile, "mkdtemp", make)
    monkeypatch.setattr(fcntl, "flock", lock)
    with open_private_folder() as folder:
        assert folder.path not in taken
        assert [*folder.path.iterdir()]
        sweep_private_folders()
        assert {*temporary.iterdir()} - {*taken} == {folder.path}
    for rival in rivals:
        os.close(rival)
    assert [*temporary.iterdir()] == []
