"""Every option that claims to count at once reaches, by a reload, what goes by it."""

from __future__ import annotations

import logging
import os
import signal
import threading
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio

from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.logs import configure_logging
from ccproxy_trio.reload import Reload
from ccproxy_trio.server.app import Application, create_app
from ccproxy_trio.server.limits import Limits
from ccproxy_trio.settings import (
    OPTIONS,
    ClaudeSettings,
    KeySettings,
    PoolSettings,
    Settings,
    SettingsError,
    hash_key,
)
from tests.claude.instances import ENVIRON, cli_that_says
from tests.server.proxy import body_of, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

KEYS = {"ada": KeySettings(hash=hash_key("x"), concurrency=2)}
RUNNING = Settings(
    pool_settings=PoolSettings(min_size=0, warmup_on_startup=False), claude=ClaudeSettings(demo=True)
)

REACHED: dict[str, tuple[Any, Callable[[Application], Any]]] = {
    "server.max_body_size": (77, lambda app: app.config["MAX_CONTENT_LENGTH"]),
    "server.request_timeout": (77.0, lambda app: app.endpoints.settings.server.request_timeout),
    "server.body_timeout": (77.0, lambda app: app.config["BODY_TIMEOUT"]),
    "server.ping_interval": (77.0, lambda app: app.endpoints.messages.ping_interval),
    "server.keys": (KEYS, lambda app: app.endpoints.access.settings.keys),
    "server.allow_anyone": (True, lambda app: app.endpoints.access.settings.allow_anyone),
    "server.allowed_hosts": (("a.example",), lambda app: app.endpoints.access.settings.allowed_hosts),
    "server.allowed_origins": (
        ("https://a.example",),
        lambda app: app.endpoints.access.settings.allowed_origins,
    ),
    "claude.models": ({"gpt-4": "haiku"}, lambda app: app.endpoints.messages.claude.models),
    "claude.allowed_tools": (("web_search",), lambda app: app.endpoints.messages.claude.allowed_tools),
    "claude.update_interval": (77.0, lambda app: app.endpoints.claude._renewal._plan.interval),
    "openai.unsupported": ("ignore", lambda app: app.endpoints.chat.settings.unsupported),
    "openai.reasoning_content": (False, lambda app: app.endpoints.responses.settings.reasoning_content),
}


def _level_of(name: str | None) -> str:
    return logging.getLevelName(logging.getLogger(name).level).lower()


def _format() -> str:
    (handler,) = logging.getLogger().handlers
    line = handler.format(logging.LogRecord("somewhere", logging.INFO, "", 0, "said", None, None))
    return "json" if line.startswith("{") else "console"


REACHED |= {
    "log.level": ("error", lambda _: _level_of(None)),
    "log.levels": ({"somewhere": "debug"}, lambda _: {"somewhere": _level_of("somewhere")}),
    "log.format": ("console", lambda _: _format()),
    "log.prompts": (True, lambda app: app.endpoints.settings.log.prompts),
}


def _in_the_pool(name: str) -> Callable[[Application], Any]:
    return lambda app: getattr(app.endpoints.claude.pool.config, name)


for _key, _option in OPTIONS.items():
    if _option.effect == "now" and _option.section == "pool_settings":
        REACHED[_key] = (_option.kind(7), _in_the_pool(_option.name))


def with_option(key: str, value: object) -> Settings:
    """The settings that run, but for one."""
    option = OPTIONS[key]
    section = attrs.evolve(getattr(RUNNING, option.section), **{option.name: value})
    return attrs.evolve(RUNNING, **{option.section: section})


def test_each_option_that_counts_at_once_is_here() -> None:
    assert set(REACHED) == {key for key, option in OPTIONS.items() if option.effect == "now"}


@contextmanager
def logging_as_a_server() -> Iterator[None]:
    """The log as a server has it, in place of pytest's, which puts its own in before each test's body."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    configure_logging(RUNNING.log)
    try:
        yield
    finally:
        configure_logging(RUNNING.log)
        root.handlers[:] = before
        root.setLevel(level)


async def test_each_reaches_what_goes_by_it() -> None:
    async with open_claude_pool(RUNNING, environ=ENVIRON) as claude:
        app = create_app(claude, RUNNING)
        with logging_as_a_server():
            await check_each(app)
        assert app.endpoints.settings == RUNNING
        assert claude.pool.statistics().created == 0


async def check_each(app: Application) -> None:
    for key, (value, now) in REACHED.items():
        assert now(app) != value, key
        await Reload(app, partial(with_option, key, value))()
        assert now(app) == value, key
    await Reload(app, lambda: RUNNING)()


async def test_a_limit_that_was_used_is_used_by_the_next_settings() -> None:
    async with open_claude_pool(RUNNING, environ=ENVIRON) as claude:
        settings = with_option("server.keys", KEYS)
        app = create_app(claude, settings)
        access = app.endpoints.access
        access._limits["ada"] = _used(access.settings.keys["ada"])
        fewer = {"ada": attrs.evolve(KEYS["ada"], concurrency=1)}
        app.put_in_force(claude, with_option("server.keys", fewer))
        assert app.endpoints.access is not access
        assert app.endpoints.access._limits["ada"].begin(trio.current_time()) is not None
        app.put_in_force(claude, RUNNING)
        assert app.endpoints.access._limits == {}


@pytest.mark.parametrize("demo", [True, False], ids=["to the stand-in", "from it"])
async def test_no_echo_of_the_stand_in_is_taken_for_an_answer(tmp_path: Path, demo: bool) -> None:
    """Who asks after the change gets another instance than before, and an answer that could be an echo is marked."""
    cli = cli_that_says(tmp_path, b"2.1.330", b"9.0.0")
    real = attrs.evolve(RUNNING, claude=ClaudeSettings(cli_path=str(cli.path)))
    before, after = (real, RUNNING) if demo else (RUNNING, real)
    async with open_claude_pool(before, environ=ENVIRON) as claude, trio.open_nursery() as nursery:
        app = create_app(claude, before)
        marks: list[str | None] = []

        async def ask(text: str) -> None:
            response = await app.test_client().post("/v1/messages", data=body_of(text))
            assert response.status_code == 200
            marks.append(response.headers.get("x-ccproxy-demo"))

        async with claude.pool.acquire(), claude.pool.acquire():
            await ask("before")
        with stopped(one.value.pid for one in claude.pool.resources() if one.value):
            nursery.start_soon(ask, "meanwhile")
            await eventually(lambda: claude.pool.statistics().in_use == 1)
            assert claude.pool.statistics().idle > 0
            await Reload(app, lambda: after)()
            async with claude.pool.acquire() as lease:
                assert lease.id > 3
            await ask("after")
            assert marks == ([None, "true"] if demo else ["true", None])
        await eventually(lambda: len(marks) == 3)
        assert marks[2] == "true"


@contextmanager
def stopped(processes: Iterable[int]) -> Iterator[None]:
    """Nothing that these are asked is answered before the block has ended."""
    pids = [*processes]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in pids:
        with suppress(ProcessLookupError):  # it was replaced
            os.kill(pid, signal.SIGCONT)


def _used(key: KeySettings) -> Limits:
    limits = Limits(key.requests_per_minute, key.concurrency, trio.current_time())
    assert limits.begin(trio.current_time()) is None
    return limits


async def test_a_bug_in_a_reload_is_logged_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with open_claude_pool(RUNNING, environ=ENVIRON) as claude:
        app = create_app(claude, RUNNING)
        before = app.endpoints

        def read() -> Settings:
            raise RecursionError

        await Reload(app, read)()
        assert app.endpoints is before
        assert [record.message for record in caplog.records] == ["the settings could not be read again"]

        def refuse() -> Settings:
            raise SettingsError([])

        await Reload(app, refuse)()
        assert caplog.records[-1].message.startswith("nothing has changed")
    with caplog.at_level(logging.INFO):
        await Reload(app, lambda: RUNNING)()
    assert caplog.records[-1].message == "the settings are not read again, as the server ends"


async def test_a_file_that_takes_long_to_read_holds_up_nobody() -> None:
    async with open_claude_pool(RUNNING, environ=ENVIRON) as claude, trio.open_nursery() as nursery:
        app, gate = create_app(claude, RUNNING), threading.Event()

        def read() -> Settings:
            assert gate.wait(30)
            return with_option("server.max_body_size", 77)

        nursery.start_soon(Reload(app, read))
        response = await app.test_client().get("/health")
        assert response.status_code == 200
        gate.set()
        await eventually(lambda: app.endpoints.settings.server.max_body_size == 77)


async def test_a_file_that_is_never_read_keeps_no_later_change_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    gate = threading.Event()
    async with open_claude_pool(RUNNING, environ=ENVIRON) as claude:
        app = create_app(claude, RUNNING)

        def read() -> Settings:
            gate.wait(30)
            return RUNNING

        with monkeypatch.context() as hurry:
            hurry.setattr("ccproxy_trio.reload._LONGEST_READ", 0.05)
            await Reload(app, read)()
        assert app.endpoints.settings == RUNNING
        assert caplog.records[-1].message.endswith("the sources: not read within 0.05 s")
        await Reload(app, partial(with_option, "server.max_body_size", 77))()
        assert app.endpoints.settings.server.max_body_size == 77
        gate.set()
