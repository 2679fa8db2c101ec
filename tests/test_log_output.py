"""What becomes of the log when nobody reads it: lines are lost, and nothing waits."""

from __future__ import annotations

import io
import json
import logging
import os
import pty
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

import pytest

from ccproxy_trio.log_output import Output
from ccproxy_trio.logs import configure_logging, name_request
from ccproxy_trio.settings import LogSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("ccproxy_trio.tests")
LINE = "x" * 99 + "\n"


@contextmanager
def open_pipe() -> Iterator[tuple[int, TextIO]]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    with os.fdopen(reader, "rb", buffering=0), os.fdopen(writer, "w", encoding="ascii") as stream:
        yield reader, stream


def drain(reader: int) -> str:
    pieces = []
    try:
        while piece := os.read(reader, 65536):
            pieces.append(piece)
    except BlockingIOError:
        pass
    return b"".join(pieces).decode()


def fill(output: Output) -> int:
    """How many lines it takes; for ever, if it waits for somebody to read them."""
    count = 0
    while output.write(LINE):
        count += 1
    return count


def test_a_pipe_that_nobody_reads() -> None:
    with open_pipe() as (reader, stream):
        output = Output(stream)
        taken = fill(output)
        assert not output.write(LINE)
        assert drain(reader).splitlines(keepends=True)[:taken] == [LINE] * taken
        assert output.write("again\n")
        assert drain(reader).endswith("again\n")


def test_a_terminal_that_nobody_reads() -> None:
    reader, terminal = pty.openpty()
    with os.fdopen(reader, "rb", buffering=0), os.fdopen(terminal, "w", encoding="ascii") as stream:
        output = Output(stream)
        fill(output)
        assert not output.write(LINE)
        assert os.get_blocking(terminal)


@pytest.mark.parametrize("size", [4095, 4096, 4097, 300_000])
def test_a_long_line_is_whole_or_cut_and_the_next_one_is_its_own(size: int) -> None:
    with open_pipe() as (reader, stream):
        output = Output(stream)
        whole = output.write("y" * size + "\n")
        assert whole == (size < 65536)
        first = drain(reader)
        assert output.write("next\n")
        assert (first + drain(reader)).splitlines() == [first.rstrip("\n"), "next"]


def test_what_the_stream_cannot_encode() -> None:
    with open_pipe() as (reader, stream):
        assert Output(stream).write("\xfc\ud800\n")
        assert drain(reader) == "\\xfc\\ud800\n"


def test_a_stream_that_is_none_of_the_systems() -> None:
    stream = io.StringIO()
    assert Output(stream).write("hello\n")
    assert stream.getvalue() == "hello\n"


async def test_how_many_records_are_lost_is_told_when_somebody_reads_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = logging.getLogger()
    level = root.level
    with open_pipe() as (reader, stream), monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        patch.setattr(root, "handlers", [])
        configure_logging(LogSettings(format="json"))
        for number in range(1000):
            log.info("%d %s", number, "x" * 200)
        taken = [json.loads(line) for line in drain(reader).splitlines() if line.endswith("}")]
        name_request("req_1")
        log.info("again")
        note, again = (json.loads(line) for line in drain(reader).splitlines() if line)
    configure_logging(LogSettings())
    root.setLevel(level)
    assert len(taken) < 1000
    lost = 1000 - len(taken)
    assert note["event"] == f"records of the log are lost, as nobody took them in time: {lost}"
    assert (note["level"], again["event"]) == ("warning", "again")
    assert "request_id" not in note
    assert again["request_id"] == "req_1"


def test_whoever_read_it_has_gone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    level = root.level
    reader, writer = os.pipe()
    with os.fdopen(writer, "w", encoding="ascii") as stream, monkeypatch.context() as patch:
        patch.setattr("sys.stderr", stream)
        patch.setattr(root, "handlers", [])
        configure_logging(LogSettings())
        os.close(reader)
        log.info("nobody")
    configure_logging(LogSettings())
    root.setLevel(level)
    assert capsys.readouterr() == ("", "")
