"""Claude answers from a pool of warm CLI processes, for any trio program; the server is one of them.

    async with open_claude_pool() as claude:
        message = await claude.ask({"model": "sonnet", "max_tokens": 500, "messages": [...]})

It composes the generic pool, the CLI's launcher and the settings. Each conversation has an instance of its own while
it lasts, and the instance forgets it before the next. What leaves a conversation's body harms no instance: whether
one can be used again is for its `reset` to find out, never for the borrower.
"""

from __future__ import annotations

import logging
import math
import os
from contextlib import AsyncExitStack, asynccontextmanager
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs
import orjson
import trio

from ccproxy_trio.claude.answer import Answer, retire
from ccproxy_trio.claude.counting import as_message, count_tokens
from ccproxy_trio.claude.errors import InstanceDied, InstanceError, InstanceSilent, OutOfTime
from ccproxy_trio.claude.folder import sweep_private_folders
from ccproxy_trio.claude.instance import Instance, Timeouts
from ccproxy_trio.claude.launcher import Launcher
from ccproxy_trio.claude.locate import Cli, locate_cli
from ccproxy_trio.claude.renewal import Plan, Renewal, open_renewal
from ccproxy_trio.claude.source import Wanted, build_source
from ccproxy_trio.claude.stages import Stages
from ccproxy_trio.claude.telling import log_event
from ccproxy_trio.claude.turn_settings import refuse_effort
from ccproxy_trio.dialects.anthropic.count_tokens import CountRequest, parse_count_request
from ccproxy_trio.dialects.anthropic.request import MessagesRequest, parse_request
from ccproxy_trio.dialects.anthropic.tools import refuse_server_tools
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.models import Model, find_model
from ccproxy_trio.pool import (
    Fit,
    Lease,
    Pool,
    PoolConfig,
    PoolTimeout,
    RetireReason,
    open_null_pool,
    open_pool,
)
from ccproxy_trio.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Hashable, Mapping

    from ccproxy_trio.settings import ClaudeSettings, PoolSettings


log = logging.getLogger("ccproxy_trio.pool")


@attrs.frozen
class ClaudePool:
    """A pool of Claude instances. Made by `open_claude_pool`.

    Requests are those of POST /v1/messages, as a mapping or already parsed; their `stream` is ignored, the method
    decides. Whatever is asked may raise InvalidRequest (the field and what is wrong with it), PoolError (no instance
    in time; none can be started), and what reading an `Answer` raises.

    Each method takes a `deadline`, in trio's time, for all that it does, the `tenant` on whose behalf, for the pool
    to be fair, and `stages` to be filled while it does it.
    """

    pool: Pool[Instance]
    """The pool itself: statistics, `resize()`, `replace_all()`, `wait_ready()`."""
    models: Mapping[str, str]
    """Names that a request may give, or patterns (``gpt-4*``), each with the CLI's model for it."""
    allowed_tools: Collection[str] = ()
    """The server tools that a request may use."""
    _launcher: Launcher = attrs.field(kw_only=True, repr=False, eq=False)
    _renewal: Renewal = attrs.field(kw_only=True, repr=False, eq=False)
    _environ: Mapping[str, str] = attrs.field(kw_only=True, repr=False, eq=False)
    # What a version of the CLI lists.
    _listed: dict[str, tuple[Model, ...]] = attrs.field(factory=dict, init=False, repr=False, eq=False)

    @property
    def cli(self) -> Cli:
        """What instances are started from now."""
        return self._launcher.source.cli

    async def reconfigure(self, settings: Settings) -> ClaudePool:
        """The same pool by other settings, all of which are in force when this returns; whether it pools stays.

        Instances are replaced one after the other where the CLI, its version or its options are others, and the idle
        ones at once where the stand-in comes or goes; answers under way go on. This value goes on with its own
        `models` and `allowed_tools`. Raises CliUnusable when the settings want another CLI that cannot be used; then
        nothing has changed.
        """
        config = _config(settings.pool_settings)
        await self._renewal.follow(_plan(settings, self._environ))
        # From here on nothing is awaited: whoever puts the value returned in force does it in the same step.
        self.pool.reconfigure(config)
        return attrs.evolve(self, models=settings.claude.models, allowed_tools=settings.claude.allowed_tools)

    def resolve(self, name: str) -> str:
        """The CLI's name for a model: by `models`, a name before the first pattern that fits, or the name itself."""
        if name in self.models:
            return self.models[name]
        return next((model for known, model in self.models.items() if fnmatchcase(name, known)), name)

    async def ask(
        self,
        request: MessagesRequest | Mapping[str, Any],
        *,
        deadline: float = math.inf,
        tenant: Hashable = None,
        stages: Stages | None = None,
    ) -> dict[str, Any]:
        """The whole message that answers."""
        async with self.stream(request, deadline=deadline, tenant=tenant, stages=stages) as answer:
            return await answer.message()

    @asynccontextmanager
    async def stream(
        self,
        request: MessagesRequest | Mapping[str, Any],
        *,
        deadline: float = math.inf,
        tenant: Hashable = None,
        stages: Stages | None = None,
    ) -> AsyncIterator[Answer]:
        """Ask, and wait for the first event; leaving the block ends the answer, read to its end or not."""
        asked = request if isinstance(request, MessagesRequest) else parse_request(_encode(request))
        model = self.resolve(asked.model)
        refuse_effort(asked, model)
        refuse_server_tools(asked.tools, self.allowed_tools)
        stages = stages or Stages()
        for last in (False, True):
            async with AsyncExitStack() as loan:
                loan.callback(stages.end)
                stages.enter("queue")
                lease = await self._lend(
                    loan, lambda instance: instance.suits(asked.system), deadline, tenant, stages
                )
                answer = Answer(loan, lease, stages)
                failure: InstanceError | None = None
                try:
                    await answer.begin(asked, model, deadline)
                except (InstanceDied, InstanceSilent) as error:
                    failure = error
                if failure is None:
                    yield answer
                    return
                # It died or froze at rest, and nobody knew: nothing has gone upstream, or ever will.
                if last or not await lease.value.withdraw():
                    raise failure
                log.warning("instance %d did not take up a turn, another is asked: %s", lease.id, failure)

    async def list_models(
        self, *, deadline: float = math.inf, tenant: Hashable = None, stages: Stages | None = None
    ) -> tuple[Model, ...]:
        """The models that the CLI offers, in its order. One instance of each version of the CLI is asked, once."""
        if (known := self._listed.get(self._launcher.version or "")) is not None:
            await trio.lowlevel.checkpoint()
            return known
        async with self._borrow(None, deadline, tenant, stages or Stages()) as instance:
            models = await instance.list_models()
            self._listed.clear()
            self._listed[instance.version] = models
            return models

    async def find_model(
        self,
        name: str,
        *,
        deadline: float = math.inf,
        tenant: Hashable = None,
        stages: Stages | None = None,
    ) -> Model | None:
        """What the CLI tells of the model that a request would get by this name; None for a name that nobody gave.

        A name that `models` gives to a model that the CLI does not list is that model's own.
        """
        wanted = self.resolve(name)
        models = await self.list_models(deadline=deadline, tenant=tenant, stages=stages)
        found = find_model(models, wanted)
        return found or (Model(wanted, wanted) if wanted != name else None)

    async def count_tokens(
        self,
        request: CountRequest | Mapping[str, Any],
        *,
        deadline: float = math.inf,
        tenant: Hashable = None,
        stages: Stages | None = None,
    ) -> int:
        """The tokens of a request of POST /v1/messages/count_tokens, as the API counts them.

        Exact without a system prompt. That is counted as a message, so that the sum is too high by the few tokens
        that a message has beside its text.
        """
        asked = request if isinstance(request, CountRequest) else parse_count_request(_encode(request))
        model = self.resolve(asked.model)
        conversations = [each for each in (asked.messages, as_message(asked.system)) if each]
        tokens = 0
        stages = stages or Stages()
        while conversations:
            async with self._borrow(
                lambda instance: instance.suits_count(asked.system), deadline, tenant, stages
            ) as instance:
                tokens += await count_tokens(instance, conversations.pop(), model, asked.system)
                while conversations and instance.reusable:
                    await instance.reset()
                    tokens += await count_tokens(instance, conversations.pop(), model, asked.system)
        return tokens

    @asynccontextmanager
    async def _borrow(
        self, fit: Fit[Instance] | None, deadline: float, tenant: Hashable, stages: Stages
    ) -> AsyncIterator[Instance]:
        """An instance for something short."""
        async with AsyncExitStack() as loan:
            loan.callback(stages.end)
            stages.enter("queue")
            lease = await self._lend(loan, fit, deadline, tenant, stages)
            stages.enter("turn")
            with trio.move_on_at(deadline) as scope:
                try:
                    yield lease.value
                except InstanceError as error:
                    retire(lease, error)
                    raise
            if scope.cancelled_caught:
                raise OutOfTime("it was answered")

    async def _lend(
        self,
        loan: AsyncExitStack,
        fit: Fit[Instance] | None,
        deadline: float,
        tenant: Hashable,
        stages: Stages,
    ) -> Lease[Instance]:
        """An instance until `loan` is closed."""
        longest, left = self.pool.config.acquire_timeout, deadline - trio.current_time()
        waiting = "it waited for an instance"
        if left <= 0:
            raise OutOfTime(waiting)
        try:
            lease = await loan.enter_async_context(
                self.pool.acquire(fit, timeout=min(longest, left), tenant=tenant, label=stages.label)
            )
        except PoolTimeout as error:
            if left < longest:
                raise OutOfTime(waiting) from error
            raise
        if not lease.value.reusable:
            lease.retire(RetireReason.USES)
        return lease


@asynccontextmanager
async def open_claude_pool(
    settings: Settings | None = None,
    *,
    cli: Cli | None = None,
    environ: Mapping[str, str] = os.environ,
) -> AsyncIterator[ClaudePool]:
    """Open the pool that `settings` describe; it warms up in the background, and at the end every child is gone.

    The `cli` is looked for as the settings say, unless it is given; the instances get what they need of `environ`.
    Raises CliUnusable when there is none that can be used.
    """
    settings = settings or Settings()
    claude = settings.claude
    if cli is None:
        cli = await trio.to_thread.run_sync(
            partial(locate_cli, claude.cli_path, claude.auth, environ, demo=claude.demo)
        )
    plan = _plan(settings, environ)
    plan = attrs.evolve(plan, wanted=plan.wanted.give(cli))
    launcher = Launcher(build_source(cli, claude.default_model, environ, _timeouts(claude)))
    await trio.to_thread.run_sync(sweep_private_folders)
    open_either = open_pool if settings.pool_settings.enabled else open_null_pool
    async with (
        open_either(
            launcher.open,
            _config(settings.pool_settings),
            check=Instance.check,
            reset=Instance.reset,
            observer=log_event,
            name="claude",
        ) as pool,
        open_renewal(launcher, plan, pool.replace_all) as renewal,
    ):
        yield ClaudePool(
            pool,
            claude.models,
            claude.allowed_tools,
            launcher=launcher,
            renewal=renewal,
            environ=environ,
        )


def _encode(request: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(dict(request))
    except TypeError as error:
        raise InvalidRequest("", f"the request is not JSON: {error}") from error


def _plan(settings: Settings, environ: Mapping[str, str]) -> Plan:
    claude = settings.claude
    wanted = Wanted(
        claude.cli_path, claude.auth, claude.demo, claude.default_model, _timeouts(claude), environ
    )
    return Plan(wanted, claude.update_interval, settings.pool_settings.create_timeout)


def _timeouts(claude: ClaudeSettings) -> Timeouts:
    return Timeouts(
        control=claude.control_timeout,
        first_event=claude.first_event_timeout,
        stall=claude.stall_timeout,
        turn=claude.turn_timeout,
    )


def _config(settings: PoolSettings) -> PoolConfig:
    # Every option but `enabled` is the pool's own, by the same name.
    options = attrs.asdict(settings, filter=attrs.filters.exclude("enabled"))
    return PoolConfig(**options, retire_on_error=False)
