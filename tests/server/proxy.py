"""The server as a whole inside a test: settings, pool, application and HTTP, over the stand-in or the real CLI.

`open_proxy` puts together what `ccproxy_trio.serve` does, but for signals, on a free port of loopback. When its block
ends it has shown that nothing is left: no child, no folder, no slot.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import asynccontextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import hypercorn.trio
import orjson
import trio
from attrs import frozen

from ccproxy_trio.claude.folder import PREFIX
from ccproxy_trio.claude.locate import locate_cli
from ccproxy_trio.claude_pool import ClaudePool, open_claude_pool
from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.transport import hypercorn_config
from ccproxy_trio.settings import Settings
from tests.child_processes import children_of
from tests.fake_api import FakeApi, RecordedRequest, open_fake_api
from tests.server.http_client import PATIENCE, Exchange, Reply, fetch, open_exchange

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from ccproxy_trio.pool import PoolStatistics
    from ccproxy_trio.server.observe import Observer

Json = dict[str, Any]


@frozen
class Backend:
    """What answers: the stand-in, or the binary at `cli_path` over a fake API. `environ` is the whole environment."""

    environ: Mapping[str, str]
    cli_path: str = ""

    @property
    def demo(self) -> bool:
        """Whether it is the stand-in."""
        return not self.cli_path


@frozen
class Proxy:
    """A running server."""

    port: int
    claude: ClaudePool
    api: FakeApi | None
    """The API behind the real CLI."""

    async def ask(self, prompt: Any, **fields: Any) -> Reply:
        """POST a prompt, or a list of messages, and read the whole answer."""
        return await self.post(body_of(prompt, **fields))

    async def post(self, body: bytes, path: str = "/v1/messages", **headers: str) -> Reply:
        """POST to the server."""
        return await fetch(self.port, path, body, headers={"content-type": "application/json", **headers})

    async def get(self, path: str, method: str = "GET") -> Reply:
        """GET from the server, as a client of the Messages API does."""
        return await fetch(self.port, path, method=method, headers={"anthropic-version": "2023-06-01"})

    def open(
        self, prompt: Any, *, receive_buffer: int | None = None, **fields: Any
    ) -> AbstractAsyncContextManager[Exchange]:
        """POST a prompt, and read when it pleases; leaving the block is leaving the server."""
        body = body_of(prompt, **fields)
        return open_exchange(self.port, "/v1/messages", body, receive_buffer=receive_buffer)

    @property
    def statistics(self) -> PoolStatistics:
        """The pool's, checked to add up."""
        found = self.claude.pool.statistics()
        gauges = (found.idle, found.in_use, found.starting, found.checking, found.resetting, found.retiring)
        assert sum(gauges) == found.total <= found.max_size
        return found

    async def until(self, holds: Callable[[PoolStatistics], bool]) -> PoolStatistics:
        """Wait until the pool's statistics are as asked."""
        with suppress(trio.TooSlowError):
            await eventually(lambda: holds(self.statistics))
        assert holds(self.statistics), self.statistics
        return self.statistics

    async def settle(self) -> PoolStatistics:
        """Wait until everything is at rest, and there is no less than the pool promises to keep."""
        return await self.until(
            lambda now: now.idle == now.total >= self.claude.pool.config.min_size and not now.waiting
        )

    @property
    def upstream(self) -> list[RecordedRequest]:
        """The turns that the fake API was asked for; none over the stand-in."""
        return [] if self.api is None else self.api.turns


def body_of(prompt: Any, **fields: Any) -> bytes:
    """The body of a request."""
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    return orjson.dumps({"model": "sonnet", "max_tokens": 1000, "messages": messages, **fields})


async def eventually(holds: Callable[[], bool]) -> None:
    """Wait until it holds, for what nobody tells by an event."""
    with trio.fail_after(PATIENCE):
        while not holds():  # noqa: ASYNC110 -- see above
            await trio.sleep(0.005)


def children() -> set[int]:
    """The processes that this one has started and not reaped."""
    return children_of(os.getpid())


def folders() -> list[Path]:
    """The instances' private folders that are there."""
    return list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"))


@asynccontextmanager
async def open_proxy(
    backend: Backend,
    *,
    pool: Json | None = None,
    server: Json | None = None,
    claude: Json | None = None,
    openai: Json | None = None,
    log: Json | None = None,
    observers: Sequence[Observer] = (),
) -> AsyncIterator[Proxy]:
    """Run the server for the body; the others are settings, by section, that are not to be the default."""
    defaults = Settings()
    settings = Settings(
        pool_settings=_evolve(
            defaults.pool_settings, {"min_size": 1, "max_size": 2, "acquire_timeout": 20.0}, pool
        ),
        server=_evolve(defaults.server, {"grace": 0.5}, server),
        claude=_evolve(defaults.claude, {"demo": backend.demo, "cli_path": backend.cli_path}, claude),
        openai=_evolve(defaults.openai, {}, openai),
        log=_evolve(defaults.log, {}, log),
    )
    before = children()
    async with nullcontext() if backend.demo else open_fake_api() as api:
        environ = {**({"ANTHROPIC_BASE_URL": api.url} if api else {}), **backend.environ}
        cli = locate_cli(settings.claude.cli_path, settings.claude.auth, environ, demo=settings.claude.demo)
        async with open_claude_pool(settings, cli=cli, environ=environ) as pool_of_claude:
            app = create_app(pool_of_claude, settings, observers)
            stop = trio.Event()
            config = hypercorn_config(
                host="127.0.0.1",
                port=0,
                grace=settings.server.grace,
                keep_alive_timeout=settings.server.keep_alive_timeout,
                max_header_size=settings.server.max_header_size,
            )
            async with trio.open_nursery() as nursery:
                serve = partial(hypercorn.trio.serve, app, config, shutdown_trigger=stop.wait)
                (bind,) = await nursery.start(serve)
                yield Proxy(int(bind.rpartition(":")[2]), pool_of_claude, api)
                stop.set()
    assert children() <= before
    assert folders() == []


def _evolve(defaults: Any, ours: Json, theirs: Json | None) -> Any:
    return attrs.evolve(defaults, **{**ours, **(theirs or {})})
