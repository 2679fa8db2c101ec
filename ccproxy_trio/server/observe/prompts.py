"""What clients ask and are answered, word by word, in the log: only where the operator says so (`log.prompts`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import orjson
from attrs import define
from quart import g

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccproxy_trio.dialects.failures import Failure
    from ccproxy_trio.server.relay import Rendering

log = logging.getLogger("ccproxy_trio.prompts")


def log_asked(body: bytes) -> None:
    """Log the body of the request under way, if that is to be."""
    if g.endpoints.settings.log.prompts:
        _log("asked", body)


def log_answered(rendering: Rendering) -> Rendering:
    """The same rendering of the answer under way; what it says is logged, if that is to be."""
    return _Logged(rendering, rendering.ping) if g.endpoints.settings.log.prompts else rendering


@define
class _Logged:
    _rendering: Rendering
    ping: bytes

    def whole(self, message: dict[str, Any]) -> dict[str, Any]:
        said = self._rendering.whole(message)
        _log("answered", orjson.dumps(said))
        return said

    def events(self, events: Sequence[dict[str, Any]]) -> bytes:
        return _log("answered", self._rendering.events(events))

    def failure(self, failure: Failure, request_id: str) -> bytes:
        return _log("answered", self._rendering.failure(failure, request_id))

    def end(self) -> bytes:
        return self._rendering.end()


def _log(what: str, said: bytes) -> bytes:
    log.debug("%s: %s", what, said.decode(errors="backslashreplace"))
    return said
