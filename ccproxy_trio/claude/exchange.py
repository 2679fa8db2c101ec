"""One conversation with a child, as a state machine without I/O: frames in, events and answers out.

    REST --ask--> ASKED --message_start--> STREAMING --message_stop--> ANSWERED
                    |                          |                          |
                    +--- result, break-off ----+--> OVER <--- result -----+

Rules:
* A message that is only appended to the history is answered by a result with no turns. Several user messages are
  never open at once, for the CLI would re-order them.
* The answer is the events up to the first `message_stop`; what the CLI's own loop does after it is not ours. A
  `message_stop` without a stop reason before it is the CLI closing a stream that broke off: a failure.
* What the API refused stays refused, though an answer follows: the CLI then asked again by itself, without the image
  that was refused.
* Stream events count only for a turn that was asked for, after the CLI announced that turn (`system/init`) and
  after every control request sent before it succeeded. Anything else could be somebody else's text, or ours under
  somebody else's parameters: InstanceNonsense, which ends the instance.
* One exchange is one conversation. The next one begins with a new exchange, which only a rewind that the CLI
  confirmed can give, after the result of what it broke off.
"""

from __future__ import annotations

import re
import time
from enum import Enum
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from attrs import evolve

from ccproxy_trio.dialects.anthropic.upstream import failure_from_result, fit_identifier
from ccproxy_trio.dialects.failures import Failure

from .errors import InstanceNonsense, NotRewound
from .frames import (
    ControlRequest,
    ControlResponse,
    ErrorNote,
    Frame,
    RateLimit,
    Result,
    StreamEvent,
    Unknown,
    control_frame,
    refusal_frame,
    user_frame,
)
from .stages import Account
from .turn_settings import HELD_BACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BROKEN_OFF = Failure(502, "the upstream API broke off its answer")
_TOO_LONG = Failure(400, "prompt is too long: it does not fit the model's context window")

_REFUSABLE = frozenset({"get_context_usage", "list_models", "rewind_conversation"})
"""Control requests that change nothing when they fail: whoever asked is told."""


class State(Enum):
    """Where the turn is; the module's docstring draws the arrows."""

    REST = "rest"
    ASKED = "asked"
    STREAMING = "streaming"
    ANSWERED = "answered"
    OVER = "over"


class Exchange:
    """The state of one conversation."""

    def __init__(
        self, clock: Callable[[], float] = time.time, limited_until: float | None = None, spent: float = 0.0
    ) -> None:
        self._clock = clock
        self._limited_until = limited_until
        self._spent = spent
        self.state = State.REST
        self.failure: Failure | None = None
        """Why the turn that was asked for has no whole answer."""
        self.owed: list[bytes] = []
        """Frames that the CLI waits for."""
        self._pending: dict[str, str] = {}  # request id -> subtype
        self._responses: dict[str, ControlResponse] = {}
        self._events: list[dict[str, Any]] = []
        self._first: str | None = None  # uuids of the user messages since the last rewind
        self._last: str | None = None
        self._open = 0  # user messages whose result is still to come
        self._announced = False
        self._note: ErrorNote | None = None
        self._stop_reason: str | None = None
        self._said = self._called = False  # a text that can be seen; a tool
        self.model = ""
        """What the CLI calls the model in use; empty before it has said."""
        self.account = Account()
        """What upstream tells of the answer."""

    @property
    def untouched(self) -> bool:
        """Whether no message was sent since the start or the last rewind."""
        return self._first is None

    @property
    def appended(self) -> bool:
        """Whether every message sent has been taken in."""
        return not self._open

    @property
    def quiet(self) -> bool:
        """Whether the child owes us no answer of any kind."""
        return not self._pending and not self._open

    @property
    def begun(self) -> bool:
        """Whether the CLI has taken up what was asked. Until then nothing of it has gone upstream."""
        return self.finished or (self._announced and self.state is not State.REST)

    @property
    def streaming(self) -> bool:
        """Whether the answer has begun, and not ended."""
        return self.state is State.STREAMING

    @property
    def finished(self) -> bool:
        """Whether no further event will come."""
        return self.state in (State.ANSWERED, State.OVER)

    @property
    def would_go_on(self) -> bool:
        """Whether the CLI is about to make requests of its own, which nobody will read.

        It does not after a call of a tool (`--max-turns 1`), nor after an answer in which there is something to see.
        """
        if not self.finished or self._called or self._stop_reason == "pause_turn":
            return False
        return not (self._said and self._stop_reason in ("end_turn", "stop_sequence"))

    def control(self, subtype: str, **fields: Any) -> tuple[str, bytes]:
        """A control request's id and frame; its answer is due from now on."""
        request_id = uuid4().hex
        self._pending[request_id] = subtype
        return request_id, control_frame(request_id, subtype, **fields)

    def append(self, content: Sequence[Mapping[str, Any]]) -> bytes:
        """A user message of the history."""
        return self._user(content, query=False)

    def ask(self, content: Sequence[Mapping[str, Any]]) -> bytes:
        """The user message that starts the turn."""
        self.state = State.ASKED
        self._announced = False
        self._note = None
        return self._user(content, query=True)

    def rewind(self) -> tuple[str, bytes]:
        """The request to forget everything since the last rewind, breaking off what is running."""
        self.state = State.OVER
        return self.control(
            "rewind_conversation",
            target_message_uuid=self._first,
            last_seen_user_message_uuid=self._last,
            interrupt_if_running=True,
        )

    def answer(self, request_id: str) -> ControlResponse | None:
        """The answer to a control request, once, or None when it has not come."""
        return self._responses.pop(request_id, None)

    def take_events(self) -> list[dict[str, Any]]:
        """The events that came since the last call."""
        events, self._events = self._events, []
        return events

    def after_rewind(self, response: ControlResponse) -> Exchange:
        """The exchange of the next conversation, at rest and with nothing of this one.

        Raises NotRewound unless the CLI confirmed the rewind and nothing is still under way.
        """
        if response.error is not None or response.response.get("rewound") is not True:
            reason = response.response.get("reason")
            # The CLI's reasons are names; whatever else it says may quote the conversation, and this is logged.
            named = isinstance(reason, str) and re.fullmatch(r"[a-z_]{1,40}", reason)
            raise NotRewound(f"the conversation was not rewound: {reason if named else 'no reason given'}")
        if not self.quiet:
            raise NotRewound("something was still running after the rewind")
        return self.successor()

    def successor(self) -> Exchange:
        """The exchange of the next conversation, when there was none in this one."""
        # The limit is the login's, not the conversation's, and the CLI tells of it only when it changes. What it has
        # spent is the process's, from its start on.
        return Exchange(self._clock, self._limited_until, self._spent)

    def feed(self, frame: Frame) -> None:
        """Take one frame. Raises InstanceNonsense."""
        match frame:
            case StreamEvent():
                self._on_event(frame)
            case ControlResponse():
                self._on_response(frame)
            case Result():
                self._on_result(frame)
            case ErrorNote() if self.state is not State.STREAMING or frame.text != HELD_BACK:
                self._note = frame
            case RateLimit(rejected, resets_at):
                self._limited_until = resets_at if rejected else None
            case ControlRequest(request_id):
                self.owed.append(refusal_frame(request_id))
            case Unknown("system", data):
                self._on_system(data)
            case Unknown("assistant", data) if not self.finished:
                account = self.account
                account.request_id = account.request_id or fit_identifier(data.get("request_id"))
            case ErrorNote() | Unknown():
                pass

    def _user(self, content: Sequence[Mapping[str, Any]], *, query: bool) -> bytes:
        uuid = str(uuid4())  # never one again: the CLI drops a message whose uuid it has seen
        self._first = self._first or uuid
        self._last = uuid
        self._open += 1
        return user_frame(content, uuid, query=query)

    def _on_system(self, data: dict[str, Any]) -> None:
        if data.get("subtype") == "init":
            self._announced = True
            self.model = str(data.get("model", ""))
        elif data.get("status") == "compacting" and self.state in (State.ASKED, State.STREAMING):
            # The CLI would have the model summarise the client's messages and answer the summary.
            self._fail(_TOO_LONG)

    def _on_response(self, response: ControlResponse) -> None:
        subtype = self._pending.pop(response.request_id, None)
        if subtype is None:
            raise InstanceNonsense("the claude process answered a control request that was not made")
        if response.error is not None and subtype not in _REFUSABLE:
            raise InstanceNonsense(f"the control request {subtype} failed", response.error[:200])
        if subtype == "rewind_conversation" and self._open:
            raise InstanceNonsense(
                "the claude process answered the rewind before what it broke off had ended"
            )
        self._responses[response.request_id] = response

    def _on_event(self, frame: StreamEvent) -> None:
        kind = frame.event["type"]
        if self.finished:
            return
        if self.state is State.REST:
            raise InstanceNonsense(f"the claude process sent a {kind} event while no turn was asked for")
        if self.state is State.ASKED:
            if kind != "message_start":
                raise InstanceNonsense(f"the claude process sent a {kind} event before message_start")
            if not self._announced or self._pending or frame.user_uuid not in (None, self._last):
                raise InstanceNonsense("the claude process answered something else than what was asked")
            if self._note is not None:
                self._fail(self._broken_off())
                return
            self.state = State.STREAMING
            message = frame.event.get("message")
            self.account.count(message.get("usage") if isinstance(message, dict) else None)
        elif kind == "message_start":
            raise InstanceNonsense(
                "the claude process began another answer inside the one that was asked for"
            )
        elif kind in ("content_block_start", "content_block_delta"):
            self._look_at(frame.event.get("content_block" if kind.endswith("start") else "delta"))
        elif kind == "message_delta":
            delta = frame.event.get("delta")
            self._stop_reason = delta.get("stop_reason") if isinstance(delta, dict) else None
            self.account.count(frame.event.get("usage"))
        if kind in ("message_delta", "message_stop") and self._stop_reason is None:
            self._fail(self._broken_off())
            return
        if kind == "message_stop":
            self.state = State.ANSWERED
        self._events.append(frame.event)

    def _look_at(self, piece: object) -> None:
        if isinstance(piece, dict):
            self._called = self._called or piece.get("type") == "tool_use"
            self._said = self._said or bool(str(piece.get("text") or "").strip())

    def _on_result(self, result: Result) -> None:
        if result.spent is not None and result.spent > self._spent:
            self.account.spend(result.spent - self._spent)
            self._spent = result.spent
        self._open = max(0, self._open - 1)  # a turn of the CLI's own was not counted
        if self.state is State.REST:
            if result.is_error or result.num_turns:
                raise InstanceNonsense("the claude process answered a message for the history")
        elif self.state is State.ANSWERED:
            self.state = State.OVER
        elif self.state is not State.OVER:
            failed = result.is_error or result.api_error_status is not None
            held_back = self.state is State.STREAMING and result.text == HELD_BACK
            told = failed and not held_back
            self._fail(self._told(result.api_error_status, result.text) if told else self._broken_off())

    def _broken_off(self) -> Failure:
        # The CLI closes the stream in a clean way; what happened stands in the note before it, if anywhere.
        if self._note is None:
            return evolve(_BROKEN_OFF, request_id=self.account.request_id)
        return self._told(self._note.api_error_status, self._note.text)

    def _told(self, status: int | None, text: str) -> Failure:
        note = self._note
        wait = None if self._limited_until is None else max(1.0, self._limited_until - self._clock())
        if note is None:
            return failure_from_result(status, text, retry_after=wait)
        return failure_from_result(
            status, text, note.error, wait, kind=note.api_error_type, request_id=note.request_id
        )

    def _fail(self, failure: Failure) -> None:
        self.failure = failure
        self.state = State.OVER
