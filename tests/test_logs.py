"""What the log looks like, to people and to programs, and that nobody can write into it what passes for a line."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.logs import configure_logging, name_request
from ccproxy_trio.settings import LogSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

log = logging.getLogger("ccproxy_trio.tests")
EVIL = "x\n2026-01-01T00:00:00Z [error    ] forged\r\x1b[2J\x1b]0;t\x07\u202e\u2028\x85\ud800\x00 end"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., io.StringIO]]:
    """Configure logging, anew or again, and return where it goes."""
    root = logging.getLogger()
    level, out = root.level, None
    monkeypatch.delenv("NO_COLOR", raising=False)

    def configure(*, terminal: bool = False, **settings: Any) -> io.StringIO:
        nonlocal out
        if out is None:
            out = Terminal() if terminal else io.StringIO()
            monkeypatch.setattr("sys.stderr", out)
            monkeypatch.setattr(root, "handlers", [])  # pytest's own
        configure_logging(LogSettings(**settings))
        return out

    yield configure
    configure_logging(LogSettings())
    root.setLevel(level)


def forget(out: io.StringIO) -> None:
    out.seek(0)
    out.truncate()


def fail(secret: str) -> None:
    raise RuntimeError("no good\n2026-01-01T00:00:00Z [error    ] forged \x1b[2J")


async def test_for_programs(configure: Callable[..., io.StringIO]) -> None:
    out = configure()
    name_request("req_1")
    log.info("hello %s", EVIL, extra={"status": 200, "model": EVIL})
    try:
        fail("a" + "-secret")
    except RuntimeError:
        log.exception("it failed")
    assert out.getvalue().isascii()
    hello, failed = map(json.loads, out.getvalue().splitlines())
    assert list(hello)[:4] == ["timestamp", "level", "logger", "event"]
    assert hello["event"] == f"hello {EVIL}"
    assert hello | {"timestamp": 0, "event": 0} == {
        "timestamp": 0,
        "level": "info",
        "logger": "ccproxy_trio.tests",
        "event": 0,
        "status": 200,
        "model": EVIL,
        "request_id": "req_1",
    }
    assert (failed["event"], failed["request_id"]) == ("it failed", "req_1")
    assert "RuntimeError: no good" in failed["exception"]
    assert "a-secret" not in out.getvalue()


async def test_for_people(configure: Callable[..., io.StringIO]) -> None:
    out = configure(format="console")
    name_request("req_2")
    log.warning("hello %s", EVIL, extra={"model": EVIL})
    try:
        fail("a" + "-secret")
    except RuntimeError:
        log.exception("it failed")
    text = out.getvalue()
    records = [line for line in text.splitlines() if not line.startswith("    ")]
    assert len(records) == 2
    assert " [warning  ] ccproxy_trio.tests: hello x" in records[0]
    assert " [error    ] ccproxy_trio.tests: it failed" in records[1]
    assert "request_id=req_2" in text.partition("it failed")[0]
    assert r"forged\r\x1b[2J\x1b]0;t\x07\u202e\u2028\x85\ud800\x00 end" in text
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "    RuntimeError: no good\n    2026-01-01" in text
    assert "a-secret" not in text


def test_what_is_no_text_is_as_harmless(configure: Callable[..., io.StringIO]) -> None:
    class Evil:
        def __str__(self) -> str:
            return EVIL

    out = configure(format="console")
    log.info("hello", extra={"thing": Evil(), "things": [EVIL], "status": 200, "stream": True, "none": None})
    assert not [sign for sign in out.getvalue() if not sign.isprintable() and sign != "\n"]
    first, *more = out.getvalue().splitlines()
    assert first.split()[4:] == ["hello", "thing=x"]
    assert all(line.startswith("    ") for line in more)
    assert out.getvalue().endswith(" status=200 stream=True none=None\n")


def test_colours_are_for_terminals_alone(
    configure: Callable[..., io.StringIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = configure(terminal=True)
    log.info("hello")
    assert "\x1b[" in out.getvalue()
    forget(out)
    monkeypatch.setenv("NO_COLOR", "1")
    configure(terminal=True)
    log.info("hello")
    assert "\x1b[" not in out.getvalue()
    assert "[info     ] ccproxy_trio.tests: hello" in out.getvalue()
    configure(terminal=True, format="json")
    forget(out)
    log.info("hello")
    assert json.loads(out.getvalue())["event"] == "hello"


def test_levels_are_those_of_the_latest_settings(configure: Callable[..., io.StringIO]) -> None:
    def told() -> list[str]:
        forget(out)
        for name in ("ccproxy_trio.one", "ccproxy_trio.two", "ccproxy_trio.two.below"):
            logging.getLogger(name).debug(name)
            logging.getLogger(name).error(name)
        lines = map(json.loads, out.getvalue().splitlines())
        return [f"{line['event'].removeprefix('ccproxy_trio.')} {line['level']}" for line in lines]

    out = configure(levels={"ccproxy_trio.two": "debug"})
    below = ["two debug", "two error", "two.below debug", "two.below error"]
    assert told() == ["one error", *below]
    configure(level="debug", levels={"ccproxy_trio.one": "error"})
    assert told() == ["one error", *below]
    configure(level="error")
    assert told() == ["one error", "two error", "two.below error"]


def test_what_is_configured_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = logging.NullHandler()
    root = logging.getLogger()
    before = root.level
    monkeypatch.setattr(root, "handlers", [theirs])
    configure_logging(LogSettings(level="debug"))
    assert (root.handlers, root.level) == ([theirs], before)


def test_what_hypercorn_logs_itself_is_not_told_twice(configure: Callable[..., io.StringIO]) -> None:
    out = configure()
    theirs = logging.getLogger("hypercorn.error")
    own = logging.NullHandler()
    theirs.error("once")
    theirs.addHandler(own)
    theirs.error("twice")
    theirs.removeHandler(own)
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["once"]


@pytest.mark.parametrize("prompts", [False, True])
def test_prompts_are_warned_of(configure: Callable[..., io.StringIO], prompts: bool) -> None:
    out = configure(prompts=prompts)
    assert ("(log.prompts)" in out.getvalue()) == prompts
