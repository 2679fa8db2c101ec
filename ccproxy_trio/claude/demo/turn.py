"""The frames of one turn, as a generator: what is said, and where it waits.

`Turn.run` yields frames to be sent, floats (pause for so many seconds, math.inf: until aborted) and bytes (sent as
they are: see `faults`). Whoever drives it may abandon it at any pause and send what `abort` says instead.

A turn goes on as the CLI's does: at max_tokens, a tool call, an answer in which there is nothing to see or a break
after a finished block it adds a message of its own and calls the model again, three times at most; `max_turns` ends
it at the tool call.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from .answer import ERROR_TYPES, compose, status_of
from .directives import break_off_at, count_deltas, failing_status, read_prompt, seconds
from .faults import BREAKS, break_down, die, flood_stderr
from .models import reckon
from .outcome import INVALID_URL, LOST, failure_kind, failure_text, refusal_text, says_something, tell_outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping

    from .answer import Answer
    from .conversation import Conversation
    from .directives import Json
    from .faults import Faults

    Output = Json | float | bytes

_RESUME = (
    "Output token limit hit. Resume directly — no apology, no recap of what you were doing. "
    "Pick up mid-thought if that is where the cut happened. Break remaining work into smaller pieces."
)
_NO_CALL = "The previous response failed to produce a valid tool call. Please retry the tool call now."
_GOES_ON_WITH = {
    "max_tokens": _RESUME,
    "model_context_window_exceeded": _RESUME,
    "tool_use": _NO_CALL,
}
_NOTHING_SEEN = (
    "[Your previous response had no visible output. Please continue and produce a user-visible response.]"
)
_ENDS = frozenset({"end_turn", "stop_sequence"})
_AFTER_A_CUT = (
    "Your response above was cut off mid-stream. Resume directly from where it stops — no apology, no recap. "
    "If none of it survived, answer the request from the start."
)
_MOST_CALLS = 4


@dataclass
class Ledger:
    """What a process has cost since it started."""

    dollars: float = 0.0

    def charge(self, answer: Answer, output_tokens: int | None = None) -> None:
        """For an answer, or as much of it as has come."""
        self.dollars += reckon(answer.model, answer.usage(output_tokens))


@dataclass
class Turn:
    """One user frame that is being answered, the last of `conversation`, which the turn extends."""

    uuid: str | None
    conversation: Conversation
    next_tag: Callable[[], str]
    faults: Faults
    ledger: Ledger
    max_turns: int | None = None
    """After so many answers that call tools the turn ends instead of going on."""
    _started: float = field(default_factory=time.monotonic)
    _calls: int = 0
    _rounds: int = 0
    """How many of its answers called tools."""
    _over: bool = False
    _answer: Answer | None = None
    """The message that is being streamed; None before the first and between two."""
    _finished: int = 0
    """How many of its blocks have ended."""
    _block: Json | None = None
    """The block after those, as far as it has got."""
    _named: bool = False
    _used: Json = field(default_factory=dict)
    """Of all calls of the turn."""

    def run(self) -> Iterator[Output]:
        while not self._over:
            self._calls += 1
            yield {"type": "system", "subtype": "status", "status": "requesting", **self._naming()}
            body, tag = self.conversation.body(), self.next_tag()
            if not self.conversation.environment.reachable:
                yield from self._fail(None, INVALID_URL, None, kind="unknown")
                return
            wish = read_prompt(body["messages"]).wish
            self.faults.learn(wish)
            flood_stderr(wish)
            yield seconds(wish, "delay")
            if wish.get("die") == "before_first":
                yield from die()
            if status := failing_status(wish):
                message = str(wish.get("message", f"fake {status}"))
                yield from self._fail(status, failure_text(status, message, body["model"]), tag)
            else:
                yield from self._call(compose(body, tag), wish, tag)
            if self._over and wish.get("die") == "after_result":
                yield from die()

    def skip(self) -> Json:
        """The result of a frame that only goes into the history."""
        return self._result(is_error=False, result="", stop_reason=None, num_turns=0)

    def abort(self) -> Iterator[Json]:
        """What is said when the turn is interrupted, in the order of the CLI."""
        if self._block is not None and self._block.get("text"):
            yield {**self._assistant(self._block), "aborted": True}
        yield {"type": "user", "message": user_message("[Request interrupted by user]")}
        if self._answer is not None:
            self.ledger.charge(self._answer, 1)
        yield from self._close_message()
        yield self._result(
            subtype="error_during_execution",
            is_error=True,
            errors=["[ede_diagnostic] result_type=user last_content_type=n/a stop_reason=null"],
            stop_reason=None,
            terminal_reason="aborted_streaming",
            num_turns=self._calls + 1,
        )

    def _call(self, answer: Answer, wish: Mapping[str, Any], tag: str) -> Iterator[Output]:
        """Stream one answer of the model, then end the turn or add what the CLI goes on with."""
        goes_on_with = yield from self._stream(answer, wish, tag)
        if self._over:
            return
        called = any(block["type"] == "tool_use" for block in answer.content)
        self._rounds += called
        if called and self._rounds == self.max_turns:
            self._over = True
            yield self._result(
                subtype="error_max_turns",
                is_error=True,
                errors=[f"Reached maximum number of turns ({self.max_turns})"],
                stop_reason=answer.stop_reason,
                terminal_reason="max_turns",
                num_turns=self._calls + 1,
                usage=self._used,
            )
        elif goes_on_with is None or self._calls == _MOST_CALLS:
            self._over = True
            yield self._result(
                **tell_outcome(answer),
                stop_reason=answer.stop_reason,
                num_turns=self._calls,
                usage=self._used,
                ttft_ms=self._milliseconds(),
            )
        else:
            if goes_on_with["content"][0]["type"] == "text":
                yield {"type": "user", "message": goes_on_with, "isSynthetic": True}
            self.conversation.push(goes_on_with)

    def _stream(
        self, answer: Answer, wish: Mapping[str, Any], tag: str
    ) -> Generator[Output, None, Json | None]:
        breaks_at, gap = break_off_at(wish, BREAKS), seconds(wish, "gap")
        for index, event in enumerate(answer.events(count_deltas(wish))):
            if index == breaks_at:
                yield 0.0
                if wish.keys() & {"error", "cut"}:
                    return (yield from self._lose(wish, tag))
                yield from break_down(wish)
            yield from self._relay(answer, event)
            if gap and event["type"] == "content_block_delta":
                yield gap
        self._count(answer.usage())
        self.ledger.charge(answer)
        calls = [block for block in answer.content if block["type"] == "tool_use"]
        text = _GOES_ON_WITH.get(answer.stop_reason)
        unseen = answer.stop_reason in _ENDS and not says_something(answer.content)
        # An answer that the CLI asks for anew is not kept.
        if answer.content and not unseen and (calls or text != _NO_CALL):
            said = {"role": "assistant", "model": answer.model, "content": list(answer.content)}
            self.conversation.push(said)
        if calls:
            return {"role": "user", "content": [_refused_tool(block) for block in calls]}
        if unseen:
            text = _NOTHING_SEEN
        return None if text is None else user_message(text)

    def _relay(self, answer: Answer, event: Json) -> Iterator[Json]:
        extra: Json = {}
        match event["type"]:
            case "ping":
                return  # the CLI keeps them to itself
            case "message_start":
                self._answer, self._finished = answer, 0
                extra = {"ttft_ms": self._milliseconds(), "owed_rows": []}
                extra |= self._naming() if self._calls == 1 else {}
            case "content_block_start":
                self._block = dict(event["content_block"])
            case "content_block_delta" if self._block is not None and event["delta"]["type"] == "text_delta":
                self._block["text"] += event["delta"]["text"]
            case "message_delta" if answer.stop_reason == "refusal":
                about = {
                    "original_model": answer.model,
                    "refused_user_message_uuid": self.uuid,
                    "content": "",
                }
                yield {"type": "system", "subtype": "model_refusal_no_fallback", **about}
                yield self._synthetic(
                    refusal_text(answer), "refusal", _request_id(answer.id), "invalid_request"
                )
            case "content_block_stop":
                block = answer.content[event["index"]]
                self._block = None
                self._finished += 1
                if block["type"] != "text" or block["text"].strip():
                    yield self._assistant(block)
                if block["type"] == "tool_use":
                    yield {"type": "user", "message": {"role": "user", "content": [_refused_tool(block)]}}
        yield _stream_event(answer, event, **extra)
        if event["type"] == "message_stop":
            self._answer = None

    def _lose(self, wish: Mapping[str, Any], tag: str) -> Generator[Output, None, Json | None]:
        if self._answer is not None and self._finished and self._block is None:
            yield self._abandonment(self._answer)
            self._count(self._answer.usage(1))
            said = {"role": "assistant", "model": self._answer.model}
            content = list(self._answer.content[: self._finished])
            self.conversation.push({**said, "content": content})
            self._answer = None
            return user_message(_AFTER_A_CUT)
        if "error" in wish:
            message = str(wish.get("message", "fake error"))
            yield from self._fail(status_of(str(wish["error"])), f"API Error: {message}", tag, kind="unknown")
        else:
            yield from self._fail(None, LOST, tag)
        return None

    def _fail(
        self, status: int | None, text: str, tag: str | None, kind: str | None = None
    ) -> Iterator[Json]:
        """A failure of the API, or with no `tag` one before it; it ends the turn and looks like a success."""
        self._over = True
        note = self._synthetic(text, "stop_sequence", tag and f"req_{tag}", kind or failure_kind(status))
        if status is not None:
            note |= {"api_error_status": status, "api_error_type": ERROR_TYPES.get(status, "api_error")}
        yield note
        yield from self._close_message()
        yield self._result(
            is_error=True,
            result=text,
            stop_reason="stop_sequence",
            terminal_reason="image_error" if status == 413 else "api_error",
            api_error_status=status,
            num_turns=self._calls,
            usage={**_no_usage(), **self._used},
        )

    def _synthetic(self, text: str, stop_reason: str, request_id: str | None, kind: str) -> Json:
        """The message by which the CLI tells of a failure."""
        message: Json = {"id": str(uuid4()), "type": "message", "role": "assistant", "model": "<synthetic>"}
        message |= {"content": [{"type": "text", "text": text}], "usage": _no_usage()}
        message |= {"stop_reason": stop_reason, "stop_sequence": ""}
        about = {"error": kind, "is_api_error_message": True, "parent_tool_use_id": None}
        return {
            "type": "assistant",
            "message": message,
            **about,
            **({"request_id": request_id} if request_id else {}),
            **self._name_once(),
        }

    def _close_message(self) -> Iterator[Json]:
        """End a message that was cut short: its message_stop is told by `abandoned_blocks`."""
        if self._answer is None:
            return
        if self._block is not None:
            yield _stream_event(self._answer, {"type": "content_block_stop", "index": self._finished})
        delta = {"stop_reason": None, "stop_sequence": None, "stop_details": None, "container": None}
        usage = self._answer.usage(1)
        yield _stream_event(self._answer, {"type": "message_delta", "delta": delta, "usage": usage})
        yield self._abandonment(self._answer)

    def _abandonment(self, answer: Answer) -> Json:
        abandoned = {"api_message_id": answer.id, "from_block_index": self._finished}
        return _stream_event(answer, {"type": "message_stop"}, abandoned_blocks=abandoned)

    def _assistant(self, block: Mapping[str, Any]) -> Json:
        if self._answer is None:
            raise AssertionError("a block without its message")
        message = {**self._answer.message(), "content": [block], "stop_reason": None}
        message["usage"] = self._answer.usage(1)
        about = {"parent_tool_use_id": None, "request_id": _request_id(self._answer.id), **self._name_once()}
        return {"type": "assistant", "message": message, **about}

    def _name_once(self) -> Json:
        """Only the first assistant frame of a turn names the user frame."""
        naming = {} if self._named else self._naming()
        self._named = True
        return naming

    def _result(self, **fields: Any) -> Json:
        took = {"duration_ms": self._milliseconds(), "duration_api_ms": self._milliseconds()}
        cost = {"total_cost_usd": self.ledger.dollars, "usage": _no_usage(), "modelUsage": {}}
        result = {"type": "result", "subtype": "success", "permission_denials": []}
        return {**result, **took, **cost, **fields, **self._naming()}

    def _count(self, usage: Json) -> None:
        for name, tokens in usage.items():
            if isinstance(tokens, int):
                self._used[name] = self._used.get(name, 0) + tokens

    def _naming(self) -> Json:
        return {"user_message_uuid": self.uuid, "user_message_uuids": [self.uuid]} if self.uuid else {}

    def _milliseconds(self) -> int:
        return int((time.monotonic() - self._started) * 1000)


def user_message(text: str) -> Json:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def _stream_event(answer: Answer, event: Json, **extra: Any) -> Json:
    about = {"parent_tool_use_id": None, "api_message_id": answer.id}
    return {"type": "stream_event", "event": event, **about, **extra}


def _request_id(message_id: str) -> str:
    return message_id.replace("msg_", "req_", 1)


def _refused_tool(block: Mapping[str, Any]) -> Json:
    text = f"<tool_use_error>Error: No such tool available: {block['name']}</tool_use_error>"
    return {"type": "tool_result", "tool_use_id": block["id"], "content": text, "is_error": True}


def _no_usage() -> Json:
    names = ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    return dict.fromkeys(names, 0)
