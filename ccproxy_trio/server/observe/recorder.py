"""Who makes the records, and tells each of them to every observer once, however its request ends.

Rules:

* A record begins when the request's head has come. It ends when all that the request held is let go: its instance is
  given back, and its answer has been sent or never will be.
* What an observer raises is logged and goes no further. Observers are quick, and do not wait.
* What the transport refuses (a head that is no HTTP, too many connections) reaches no application, and has no record;
  `errors.refuse` logs and counts it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

import trio
from quart import g, request

from ccproxy_trio.claude.errors import OutOfTime
from ccproxy_trio.claude.stages import Stages
from ccproxy_trio.server.transport import request_stack, was_sent

from .names import OTHER, ModelNames, name_method
from .record import RequestRecord
from .trace_context import parse_trace_context

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccproxy_trio.claude_pool import ClaudePool

    from .record import Observer, Outcome

log = logging.getLogger("ccproxy_trio.server")


class Recorder:
    """The records of one application."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)
        self._models = ModelNames()

    def begin(self, request_id: str, dialect: Literal["anthropic", "openai"], claude: ClaudePool) -> None:
        """Begin the record of the request under way, which is `g.record`."""
        rule, scope = request.url_rule, request.scope
        record = g.record = RequestRecord(
            id=request_id,
            method=name_method(request.method),
            endpoint=OTHER if rule is None else rule.rule,
            dialect=dialect,
            began=trio.current_time(),
            stages=Stages(label=request_id),
            trace=parse_trace_context(
                request.headers.getlist("traceparent"), request.headers.getlist("tracestate")
            ),
        )

        def finish(kind: object, error: BaseException | None, traceback: object) -> None:
            self._finish(record, claude, error, sent=was_sent(scope))

        request_stack().push(finish)

    def _finish(
        self, record: RequestRecord, claude: ClaudePool, error: BaseException | None, *, sent: bool
    ) -> None:
        if error is not None:
            record.error = type(error).__name__
        record.ended = trio.current_time()
        record.stages.end()
        record.outcome = _outcome(record, cut=error is not None, sent=sent)
        record.upstream_id = record.upstream_id or record.stages.account.request_id
        if record.wanted is not None:
            answered = any(stage == "relay" for stage, _, _ in record.stages.spans())
            record.model = self._models.name(claude, record.wanted, answered=answered)
        for observe in self._observers:
            try:
                observe(record)
            except Exception:
                log.exception("an observer of the requests failed")


def note_wanted(claude: ClaudePool, model: str, *, stream: bool = False) -> None:
    """Put into the record of the request under way what it asks for."""
    g.record.wanted, g.record.stream = claude.resolve(model), stream


def _outcome(record: RequestRecord, *, cut: bool, sent: bool) -> Outcome:
    status = record.status or 0
    if record.error == OutOfTime.__name__:
        return "late"
    if cut or record.broke_off or status >= 500:
        return "failed"
    if not sent:
        return "left"
    return "refused" if status >= 400 else "ok"
