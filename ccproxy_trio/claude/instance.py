"""A pooled instance: one Claude CLI process that serves one conversation after the other.

Rules:
* A fresh instance takes any system prompt, by its first `initialize`; from then on it is bound to that one.
* A conversation is prepared (system prompt, settings, history), asked, relayed, and rewound. Nothing is kept between
  two conversations but the system prompt; the settings are sticky in the CLI, and all of them are told anew unless
  they are to the letter those that were told last.
* A history begins with an anchor, a message of nothing, for the rewind to go back to: what stands before the first
  message of the user, and a result of a tool in it, could not be taken back otherwise.
* Whoever holds the lease reads the child, nobody else: the pipe itself is the back-pressure. At rest only the
  child's exit is watched.
* `reset` ends what is under way, however far it got, and returns only when the CLI has confirmed the rewind. Any
  doubt is an exception, and the instance ends.
"""

from __future__ import annotations

import math
import signal
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any, Literal

import trio
from attrs import frozen
from trio_util import AsyncBool

from ccproxy_trio.dialects.failures import Failure

from .errors import InstanceDied, InstanceNonsense, InstanceSilent, NotRewound, OutOfTime, TurnFailed
from .exchange import Exchange
from .folder import open_private_folder
from .frames import assistant_frame
from .link import Link
from .models import parse_models
from .process import open_process
from .stages import Stages
from .turn import Turn
from .turn_settings import GUARD, build_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from ccproxy_trio.dialects.anthropic.blocks import ContentBlock
    from ccproxy_trio.dialects.anthropic.conversation import Message
    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.dialects.models import Model

    from .frames import ControlResponse
    from .locate import Launch
    from .process import Process

SystemPrompt = tuple[str, ...]


@frozen
class Timeouts:
    """How long the CLI may be silent, in seconds."""

    control: float = 10.0
    """For the answer to a control request, and to each message of the history."""
    first_event: float = 120.0
    """From the prompt to the first event."""
    stall: float = 120.0
    """Between two events."""
    turn: float = 600.0
    """From the prompt to the last event."""


class Instance:
    """A started CLI. Made by `open_instance`; used by one task at a time."""

    def __init__(self, process: Process, timeouts: Timeouts, *, base_url: str, login: bool) -> None:
        self.pid = process.pid
        self.version = ""
        self.reusable: bool | None = None
        """Whether `reset` can succeed; None when nobody has probed it."""
        self._process = process
        self._link = Link(process)
        self._exchange = Exchange()
        self._timeouts = timeouts
        self._base_url = base_url
        self._login = login
        self._system: str | None = None
        self._told: dict[str, Any] | None = None  # settings, while they hold
        self._guarded = False
        self._rewinding: str | None = None
        self._busy = AsyncBool()

    @property
    def fresh(self) -> bool:
        """Whether it is bound to no system prompt yet."""
        return self._system is None

    def suits(self, system: SystemPrompt) -> int | None:
        """How well this instance fits a conversation, None for not at all. Never awaits."""
        if self._system not in (None, _join(system)):
            return None
        return 0 if self.fresh else 1

    def suits_count(self, system: SystemPrompt) -> int | None:
        """The same for a count; the CLI has the system prompt that it is bound to counted as well, by the API."""
        return 1 if self._system == "" else self.suits(system)

    async def start(self) -> None:
        """Wait until the CLI answers. Raises InstanceError; its own bound is the pool's create_timeout."""
        response = await self._ask_control("get_binary_version", math.inf)
        self.version = str(response.response.get("version", ""))

    async def check(self) -> None:
        """Return when the CLI is alive, responsive and at rest. Raises InstanceError."""
        await self._ask_control("get_binary_version", self._timeouts.control)

    async def begin(
        self, request: MessagesRequest, model: str, deadline: float = math.inf, stages: Stages | None = None
    ) -> Turn:
        """Prepare the conversation, ask its last message, and wait until the CLI has taken it up.

        `model` is the one to use, aliases resolved; `deadline` is the conversation's, in trio's time; `stages` are
        filled. Raises InstanceError, OutOfTime or TurnFailed. However it ends, `reset` must follow.
        """
        self._busy.value = True
        stages = stages or Stages()
        stages.account = self._exchange.account
        stages.enter("prepare")
        # Around the bounds of each step, so that the CLI is not blamed for what the deadline has cut short.
        with trio.move_on_at(deadline):
            settings = build_settings(request, model, base_url=self._base_url, login=self._login)
            frames = self._prepare(_join(request.system), settings)
            *history, prompt = request.messages
            if history:
                await self._append(frames, [])
                stages.enter("history")
                frames = await self._feed(history)
            stages.enter("turn")
            await self._send([*frames, self._exchange.ask(prompt.content)])
            await self._receive_until(lambda: self._exchange.begun, "sign that it takes up the turn")
            return Turn(self, self._timeouts, deadline)
        raise OutOfTime("its conversation was prepared")

    async def withdraw(self) -> bool:
        """Take back a conversation that it has failed in, for another instance; whether it had not taken it up.

        If not, it is ended at once. Were it but frozen, it would find the prompt when it goes on, and ask it.
        """
        if self._exchange.begun:
            return False
        self._process.signal_group(signal.SIGKILL)
        with trio.move_on_after(self._timeouts.control):
            try:
                while True:  # what it had said by then
                    for frame in await self._link.receive():
                        self._exchange.feed(frame)
            except InstanceDied:
                return not self._exchange.begun
            except InstanceNonsense:
                pass
        return False

    async def take_in(self, messages: Sequence[Message], model: str, system: SystemPrompt) -> None:
        """Prepare a conversation that is all history: nothing is asked. The last message is the user's.

        An instance that is bound to no system prompt yet is bound to `system`; any other keeps its own. Raises
        InstanceError. However it ends, `reset` must follow.
        """
        self._busy.value = True
        bound = _join(system) if self._system is None else self._system
        settings = {"model": model, "env": {"ANTHROPIC_BASE_URL": self._base_url}}
        await self._append(self._prepare(bound, settings), [])
        await self.append(messages)

    async def append(self, messages: Sequence[Message]) -> None:
        """Add to the history that was taken in; the last message is the user's. Raises InstanceError."""
        await self._feed(messages)

    async def describe_context(self, detail: Literal["full", "summary"]) -> dict[str, Any]:
        """What the CLI tells of the conversation's size: in full, the API is asked.

        Raises InstanceError, or TurnFailed when the CLI refuses.
        """
        within = self._timeouts.first_event if detail == "full" else self._timeouts.control
        return await self._inquire("get_context_usage", within, detail=detail)

    async def list_models(self) -> tuple[Model, ...]:
        """The models that the CLI offers. Raises InstanceError, or TurnFailed when the CLI refuses."""
        # The CLI adds the one in use, and that name may be another client's.
        await self._send([self._tell({"model": "default"})])
        await self._receive_until(lambda: self._exchange.quiet, "answer to apply_flag_settings")
        return parse_models(await self._inquire("list_models", self._timeouts.control))

    async def hold_back(self) -> None:
        """From the first event on: keep whatever request the CLI makes next from leaving it."""
        if not self._guarded:
            self._guarded = True
            await self._send([self._control("apply_flag_settings", settings=GUARD)])

    async def remember(self, text: str) -> None:
        """Append a user message to the history, without an answer. Raises InstanceError."""
        await self._append([], [{"type": "text", "text": text}])

    async def _feed(self, messages: Sequence[Message]) -> list[bytes]:
        """Append messages; what is returned is to go out with the user message after them."""
        frames: list[bytes] = []
        for message in messages:
            if message.role == "assistant":
                # The CLI takes it in at once, and waits for neither it nor the user message after it.
                frames.append(assistant_frame(message.content, self._exchange.model))
            else:
                await self._append(frames, message.content)
                frames = []
        return frames

    async def _append(self, frames: list[bytes], content: Sequence[ContentBlock]) -> None:
        await self._send([*frames, self._exchange.append(content)])
        await self._receive_until(lambda: self._exchange.appended, "answer to a message of the history")

    async def reset(self) -> None:
        """End what is under way, forget the conversation, and be at rest. Raises InstanceError when in doubt."""
        if not self._link.sound:
            raise NotRewound("something went wrong on the line to the claude process")
        if self._exchange.untouched:
            await self._receive_until(lambda: self._exchange.quiet, "answer to a control request")
            self._exchange = self._exchange.successor()
        else:
            await self.send_rewind()
            await self._receive_until(lambda: self._exchange.quiet, "answer to the rewind")
            response = self._exchange.answer(self._rewinding or "")
            if response is None:
                raise NotRewound("the rewind was not answered")
            self._exchange = self._exchange.after_rewind(response)
            self._rewinding = None
        if self._guarded:
            await self._lift_guard()
        self._process.forget_stderr()
        self._link.private = False
        self._busy.value = False

    async def _lift_guard(self) -> None:
        # Now and not with the next turn, which would have to wait for it.
        self._guarded = False
        settings = {"env": {"ANTHROPIC_BASE_URL": self._base_url}}
        await self._send([self._control("apply_flag_settings", settings=settings)])
        await self._receive_until(lambda: self._exchange.quiet, "answer to apply_flag_settings")

    async def send_rewind(self) -> None:
        """Ask the CLI to stop and forget, once; `reset` waits for the answer."""
        if self._rewinding is None:
            self._rewinding, frame = self._exchange.rewind()
            await self._send([frame])

    async def receive(self) -> None:
        """Take what the child has sent. Raises InstanceError."""
        frames = await self._link.receive()
        try:
            for frame in frames:
                self._exchange.feed(frame)
        except InstanceNonsense:
            self._link.sound = False
            raise
        if self._exchange.owed:
            owed, self._exchange.owed = self._exchange.owed, []
            await self._send(owed)

    @property
    def exchange(self) -> Exchange:
        """The state of the conversation."""
        return self._exchange

    async def watch(self) -> InstanceDied:
        """Wait until the child has exited while nobody used it."""
        returncode = await self._process.wait()
        await self._busy.wait_value(False)  # whoever uses it reads the end of its output first
        return InstanceDied(returncode, self._process.stderr_tail)

    def _prepare(self, system: str, settings: dict[str, Any]) -> list[bytes]:
        frames: list[bytes] = []
        self._link.private = True
        if self._system is None:
            # Without any `initialize` the CLI would add a block with its folder and the date.
            frames.append(self._control("initialize", systemPrompt=[system] if system else []))
            self._system = system
        elif self._system != system:
            raise NotRewound("bound to another system prompt")
        if self._told != settings:
            frames.append(self._tell(settings))
        return frames

    def _tell(self, settings: dict[str, Any]) -> bytes:
        self._told = settings
        return self._control("apply_flag_settings", settings=settings)

    def _control(self, subtype: str, **fields: Any) -> bytes:
        return self._exchange.control(subtype, **fields)[1]

    async def _inquire(self, subtype: str, within: float, **fields: Any) -> dict[str, Any]:
        answer = await self._ask_control(subtype, within, **fields)
        if answer.error is not None:
            raise TurnFailed(Failure(502, f"the CLI refuses {subtype}: {answer.error[:200]}"))
        return answer.response

    async def _ask_control(self, subtype: str, within: float, **fields: Any) -> ControlResponse:
        request_id, frame = self._exchange.control(subtype, **fields)
        with self._bounded(f"answer to {subtype}", within):
            await self._link.send([frame])
            while True:
                await self.receive()
                if response := self._exchange.answer(request_id):
                    return response
        raise AssertionError("unreachable")

    async def _send(self, frames: list[bytes]) -> None:
        with self._bounded("room for input", self._timeouts.control):
            await self._link.send(frames)

    async def _receive_until(self, done: Callable[[], bool], waiting_for: str) -> None:
        with self._bounded(waiting_for, self._timeouts.control):
            while not done():
                await self.receive()

    @contextmanager
    def _bounded(self, waiting_for: str, timeout: float) -> Iterator[None]:
        with trio.move_on_after(timeout) as scope:
            yield
        if scope.cancelled_caught:
            self._link.sound = False
            raise InstanceSilent(waiting_for, timeout)


def _join(system: SystemPrompt) -> str:
    # As the CLI does. It would put pieces that equal words of its own elsewhere, or leave them out.
    return "\n\n".join(system)


@asynccontextmanager
async def open_instance(launch: Launch, timeouts: Timeouts) -> AsyncIterator[Instance]:
    """Start a CLI in a private folder and wait until it answers; when the block ends nothing of it is left.

    Raises OSError or InstanceError. When the child exits by itself while it is at rest, the block is cancelled and
    InstanceDied is raised in its place.
    """
    with open_private_folder() as folder:
        env = launch.environment(folder.temporary)
        async with open_process(launch.argv, env=env, cwd=folder.working) as process:
            instance = Instance(process, timeouts, base_url=launch.base_url, login=launch.login)
            await instance.start()
            death: InstanceDied | None = None

            async def watch(scope: trio.CancelScope) -> None:
                nonlocal death
                death = await instance.watch()
                scope.cancel()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(watch, nursery.cancel_scope)
                yield instance
                nursery.cancel_scope.cancel()
            if death is not None:
                raise death
