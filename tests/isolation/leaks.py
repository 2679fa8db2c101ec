"""Leaks, made on purpose: each breaks one wall between two conversations, as a mistake of ours could.

A leak is a function that breaks the product in this process; its docstring says what then happens. The witness beside
it is where that must be noticed.
"""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ccproxy_trio.claude import instance as instances
from ccproxy_trio.claude.exchange import Exchange
from ccproxy_trio.claude.instance import Instance
from ccproxy_trio.claude_pool import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pytest

    from ccproxy_trio.dialects.anthropic.request import MessagesRequest
    from ccproxy_trio.dialects.failures import Failure

    Leak = Callable[[pytest.MonkeyPatch], None]
    Witness = Literal["random", "stubborn", "flooded", "equal"]

Json = dict[str, Any]


def skip_the_rewind(patch: pytest.MonkeyPatch) -> None:
    """The next conversation goes on where the last one ended, if that ended well."""
    reset = Instance.reset

    async def skip(self: Instance) -> None:
        if self._exchange.finished and not self._rewinding:
            await self._receive_until(lambda: self._exchange.quiet, "end of the turn")
            self._exchange = self._exchange.successor()
            await self._lift_guard()
        else:
            await reset(self)

    patch.setattr(Instance, "reset", skip)


def rewind_to_the_last_message(patch: pytest.MonkeyPatch) -> None:
    """What stands before it is remembered."""
    user = Exchange._user

    def remember(self: Exchange, *arguments: Any, **options: Any) -> bytes:
        frame = user(self, *arguments, **options)
        self._first = self._last
        return frame

    patch.setattr(Exchange, "_user", remember)


def believe_every_rewind(patch: pytest.MonkeyPatch) -> None:
    """A child that has refused to forget serves the next conversation."""
    patch.setattr(Exchange, "after_rewind", lambda self, response: self.successor())


def tell_settings_once(patch: pytest.MonkeyPatch) -> None:
    """The first turn's model, parameters and tools are everybody's."""
    prepare = Instance._prepare
    patch.setattr(
        Instance, "_prepare", lambda self, system, settings: prepare(self, system, self._told or settings)
    )


def merge_settings(patch: pytest.MonkeyPatch) -> None:
    """A parameter, or the tools, that one request gives hold for those that give none."""
    build = instances.build_settings
    kept: Json = {}

    def merge(*arguments: Any, **options: Any) -> Json:
        settings = build(*arguments, **options)
        kept.update(json.loads(settings["env"]["CLAUDE_CODE_EXTRA_BODY"]))
        return {**settings, "env": {**settings["env"], "CLAUDE_CODE_EXTRA_BODY": json.dumps(kept)}}

    patch.setattr(instances, "build_settings", merge)


def leave_the_guard(patch: pytest.MonkeyPatch) -> None:
    """The API's address stays away, and a turn with the same settings reaches nobody."""

    async def leave(self: Instance) -> None:
        self._guarded = False

    patch.setattr(Instance, "_lift_guard", leave)


def skip_initialize(patch: pytest.MonkeyPatch) -> None:
    """The CLI answers under a system prompt of its own."""
    prepare = Instance._prepare

    def skip(self: Instance, system: str, settings: Json) -> list[bytes]:
        self._system = system
        return prepare(self, system, settings)

    patch.setattr(Instance, "_prepare", skip)


def take_any_instance(patch: pytest.MonkeyPatch) -> None:
    """A request is answered under the system prompt of whoever was there first."""
    prepare = Instance._prepare

    def take(self: Instance, system: str, settings: Json) -> list[bytes]:
        return prepare(self, system if self._system is None else self._system, settings)

    patch.setattr(Instance, "suits", lambda self, system: 1)
    patch.setattr(Instance, "_prepare", take)


def keep_what_was_not_read(patch: pytest.MonkeyPatch) -> None:
    """The rest of an answer that its client has left is the beginning of the next."""
    rewind, successor = Exchange.rewind, Exchange.successor

    def go_on(self: Exchange) -> tuple[str, bytes]:
        state = self.state
        asked = rewind(self)
        self.state = state
        return asked

    def inherit(self: Exchange) -> Exchange:
        found = successor(self)
        found._events = self._events
        return found

    patch.setattr(Exchange, "rewind", go_on)
    patch.setattr(Exchange, "successor", inherit)


def keep_the_last_failure(patch: pytest.MonkeyPatch) -> None:
    """What upstream said to one client is told to the next that fails."""
    told = Exchange._told
    kept: list[Failure] = []

    def tell(self: Exchange, status: int | None, text: str) -> Failure:
        kept.append(told(self, status, text))
        return kept[max(0, len(kept) - 2)]

    patch.setattr(Exchange, "_told", tell)


def quote_a_refusal(patch: pytest.MonkeyPatch) -> None:
    """Why upstream refused is written to the log."""
    patch.setattr("ccproxy_trio.server.relay.describe", str)
    patch.setattr("ccproxy_trio.server.errors.describe", str)


def log_the_request(patch: pytest.MonkeyPatch) -> None:
    """What is asked is written to the log, if only at its lowest level."""
    _before_each_turn(patch, lambda request: logging.getLogger("ccproxy_trio").debug("asked: %s", request))


def write_a_file(patch: pytest.MonkeyPatch) -> None:
    """What is asked is in a file."""
    _before_each_turn(patch, lambda request: Path(tempfile.gettempdir(), "asked").write_text(repr(request)))


def answer_from_a_cache(patch: pytest.MonkeyPatch) -> None:
    """Whoever asks the same is told what another was told."""
    begin, message = Answer.begin, Answer.message
    known: dict[str, Json] = {}

    async def remember(self: Any, request: MessagesRequest, model: str) -> None:
        self.asked = repr(request.messages)
        await begin(self, request, model)

    async def tell(self: Any) -> Json:
        return known.setdefault(self.asked, await message(self))

    patch.setattr(Answer, "begin", remember)
    patch.setattr(Answer, "message", tell)


def _before_each_turn(patch: pytest.MonkeyPatch, look: Callable[[MessagesRequest], object]) -> None:
    begin = Answer.begin

    async def begin_seen(self: Answer, request: MessagesRequest, model: str) -> None:
        look(request)
        await begin(self, request, model)

    patch.setattr(Answer, "begin", begin_seen)


LEAKS: Mapping[Leak, Witness] = {
    skip_the_rewind: "random",
    rewind_to_the_last_message: "random",
    believe_every_rewind: "stubborn",
    tell_settings_once: "random",
    merge_settings: "random",
    leave_the_guard: "equal",
    skip_initialize: "random",
    take_any_instance: "random",
    keep_what_was_not_read: "flooded",
    keep_the_last_failure: "random",
    quote_a_refusal: "random",
    log_the_request: "random",
    write_a_file: "random",
    answer_from_a_cache: "equal",
}
"""Each with the requests among which it is noticed."""
