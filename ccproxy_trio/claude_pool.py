"""A pool of Claude instances, composed of the generic pool, the CLI's launcher and the settings.

This is the server's only way to an instance. It decides which model a name stands for and which instance suits a
request; everything else is the pool's and the instance's own.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from attrs import frozen

from ccproxy_trio.claude.instance import Instance, Timeouts
from ccproxy_trio.claude.launcher import Launcher
from ccproxy_trio.claude.locate import Cli, build_launch, build_probe
from ccproxy_trio.pool import Lease, Pool, PoolConfig, RetireReason, open_null_pool, open_pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.settings import ClaudeSettings, PoolSettings, Settings


@frozen
class ClaudePool:
    """Instances to lease."""

    pool: Pool[Instance]
    cli: Cli
    models: Mapping[str, str]

    def resolve_model(self, name: str) -> str:
        """The CLI's model for a name that a client may send; names not in the settings' map are the CLI's own."""
        return self.models.get(name, name)

    @asynccontextmanager
    async def acquire(self, request: MessagesRequest) -> AsyncIterator[Lease[Instance]]:
        """Lease the instance that suits the request best. Raises PoolError."""
        system = tuple(block.text for block in request.system)
        model = self.resolve_model(request.model)
        async with self.pool.acquire(fit=lambda instance: instance.suits(system, model)) as lease:
            if not lease.value.reusable:
                lease.retire(RetireReason.USES)
            yield lease


@asynccontextmanager
async def open_claude_pool(
    settings: Settings, cli: Cli, environ: Mapping[str, str]
) -> AsyncIterator[ClaudePool]:
    """Open the pool that `settings` describe. It warms up in the background; at the end every child is gone."""
    launch = build_launch(cli, settings.claude.default_model, environ)
    launcher = Launcher(launch, build_probe(cli, environ), _timeouts(settings.claude))
    open_either = open_pool if settings.pool_settings.enabled else open_null_pool
    async with open_either(
        launcher.open,
        _config(settings.pool_settings),
        check=Instance.check,
        reset=Instance.reset,
        name="claude",
    ) as pool:
        yield ClaudePool(pool, cli, settings.claude.models)


def _timeouts(claude: ClaudeSettings) -> Timeouts:
    return Timeouts(
        control=claude.control_timeout,
        first_event=claude.first_event_timeout,
        stall=claude.stall_timeout,
        turn=claude.turn_timeout,
    )


def _config(pool: PoolSettings) -> PoolConfig:
    return PoolConfig(
        min_size=pool.min_size,
        max_size=pool.max_size,
        idle_timeout=pool.idle_timeout,
        warmup_on_startup=pool.warmup_on_startup,
        health_check_interval=pool.health_check_interval,
        acquire_timeout=pool.acquire_timeout,
        min_fresh=pool.min_fresh,
        max_waiting=pool.max_waiting,
        max_starting=pool.max_starting,
        max_uses=pool.max_uses,
        max_lifetime=pool.max_lifetime,
        create_timeout=pool.create_timeout,
        check_timeout=pool.check_timeout,
        reset_timeout=pool.reset_timeout,
        close_timeout=pool.close_timeout,
        check_after_idle=pool.check_after_idle,
    )
