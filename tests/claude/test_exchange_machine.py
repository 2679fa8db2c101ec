"""Conversation after conversation with a child that keeps to the protocol, and with one that does not.

The machine is both sides: what an instance does, in any order that it may, and a CLI whose words come in any pieces,
late, and with others in between. Whatever happens: events are this turn's, from its first on, under all that was set
before; a clean end is that of a whole answer; and the next conversation begins only after a rewind that is true. Of a
CLI that keeps to the protocol nothing is called nonsense.
"""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ccproxy_trio.claude.errors import InstanceNonsense, NotRewound
from ccproxy_trio.claude.exchange import Exchange, State
from ccproxy_trio.claude.frames import FrameError, LineSplitter, parse_frame

Json = dict[str, Any]

INIT: Json = {"type": "system", "subtype": "init", "model": "m"}
NOTE: Json = {"type": "assistant", "error": "overloaded", "api_error_status": 529, "message": {"content": []}}
HARMLESS: list[Json] = [
    {"type": "system", "subtype": "status", "status": "requesting"},
    {"type": "rate_limit_event", "rate_limit_info": {"status": "allowed"}},
    {"type": "control_request", "request_id": "Q", "request": {"subtype": "can_use_tool"}},
    {"type": "assistant", "request_id": "req_1", "message": {"content": []}},
    {"type": "of_tomorrow", "event": {"type": "message_stop"}},
]
"""What may come at any time."""
ODD: list[bytes] = [
    b'{"type": "control_response", "response": {"subtype": "success", "request_id": "another"}}\n',
    b"not JSON\n",
    b"[]\n",
    b'{"type": "result"}\n',
    b"\xff\n",
]
"""What never may."""


_BEGINNING = b'{"type": "stream_event", "event": {"type": "message_start"'


def line(frame: Json) -> bytes:
    return json.dumps(frame).encode() + b"\n"


def event(kind: str, of: object, **fields: Any) -> Json:
    return {"type": "stream_event", "event": {"type": kind, "of": of, **fields}}


def result(*, is_error: bool = False, turns: int = 1) -> Json:
    return {"type": "result", "is_error": is_error, "num_turns": turns, "result": ""}


class Conversations(RuleBasedStateMachine):
    """Each rule is something that one side does; the CLI's words wait in `unsaid` until they are read."""

    def __init__(self) -> None:
        super().__init__()
        self.turn = 0
        self.start_another()

    def start_another(self) -> None:
        """A new process: nothing of the last one counts any more."""
        self.exchange = Exchange(clock=lambda: 0.0)
        self.splitter = LineSplitter()
        self.unsaid: list[tuple[str, bytes]] = []  # what it belongs to, and a line, or the rest of one
        self.faithful, self.lost = True, False
        self.begin_conversation()

    def begin_conversation(self) -> None:
        self.turn += 1
        self.due: list[Json] = []  # the events of this turn's answer, as far as it goes
        self.whole = False
        self.taken: list[Json] = []
        self.rewind_id: str | None = None
        self.truth = ""

    def say(self, belongs_to: str, *frames: Json) -> None:
        self.unsaid += [(belongs_to, line(frame)) for frame in frames]

    @precondition(lambda self: self.unsaid)
    @rule()
    def read_all(self) -> None:
        self.read(10_000)

    @precondition(lambda self: self.unsaid)
    @rule(read=st.integers(1, 400))
    def read(self, read: int) -> None:
        """So many bytes."""
        chunk = b""
        while self.unsaid and len(chunk) < read:
            belongs_to, rest = self.unsaid.pop(0)
            cut = read - len(chunk)
            chunk += rest[:cut]
            if rest[cut:]:
                self.unsaid.insert(0, (f"{belongs_to} begun", rest[cut:]))
        try:
            for each in self.splitter.feed(chunk):
                self.exchange.feed(parse_frame(each))
        except (FrameError, InstanceNonsense):
            assert not self.faithful
            self.look()
            self.start_another()

    @invariant()
    def look(self) -> None:
        """At the events that are there."""
        self.taken += self.exchange.take_events()
        assert self.taken == self.due[: len(self.taken)]
        assert all(taken["of"] == self.turn for taken in self.taken)
        assert not (self.taken and self.lost)
        ended = self.taken != [] and self.taken[-1]["type"] == "message_stop"
        assert ended <= (self.whole and self.exchange.failure is None)
        # And whoever reads on learns of an end.
        told = ended or self.exchange.failure is not None or self.rewind_id is not None
        assert self.exchange.finished <= told

    def resting(self) -> bool:
        return self.exchange.state is State.REST and self.exchange.appended and self.rewind_id is None

    @precondition(resting)
    @rule(lost=st.booleans())
    def control(self, *, lost: bool) -> None:
        request_id, _ = self.exchange.control("apply_flag_settings")
        if lost and self.may_be_odd():
            self.faithful, self.lost = False, True
            return
        response = {"subtype": "success", "request_id": request_id}
        self.say("control", {"type": "control_response", "response": response})

    @precondition(resting)
    @rule()
    def append(self) -> None:
        self.exchange.append([])
        self.say("history", INIT, result(turns=0))

    @precondition(resting)
    @rule(
        deltas=st.integers(0, 3),
        end=st.sampled_from(
            ["end_turn", "tool_use", "max_tokens", "cut", "noted cut", "torn", "refused", "asked anew"]
        ),
        goes_on=st.booleans(),
    )
    def ask(self, deltas: int, end: str, goes_on: bool) -> None:
        uuid = json.loads(self.exchange.ask([]))["uuid"]
        begun = event("message_start", self.turn)
        said = [begun, *(event("content_block_delta", self.turn, n=n) for n in range(deltas))]
        closing = [
            event("message_delta", self.turn, delta={"stop_reason": None}),
            event("message_stop", self.turn),
        ]
        match end:
            case "refused":
                said, rest = [], [NOTE, result(is_error=True)]
            case "asked anew":
                named = [
                    NOTE,
                    *said,
                    event("message_delta", 0, delta={"stop_reason": "end_turn"}),
                    closing[1],
                ]
                said, rest = [], [*named, result()]
            case "torn":
                rest = [result(is_error=True)]
            case "cut":
                rest = [*closing, result(is_error=True)]
            case "noted cut":
                rest = [NOTE, *closing, result(is_error=True)]
            case reason:
                closing = [event("message_delta", self.turn, delta={"stop_reason": reason}), closing[1]]
                own = [event("message_start", "the CLI's own"), event("message_stop", "the CLI's own")]
                rest = [*(own if goes_on else []), result()]
                said, self.whole = [*said, *closing], True
        self.due = [each["event"] for each in said]
        named = [{**each, "user_message_uuid": uuid} if each is begun and deltas else each for each in said]
        self.say("turn", INIT, *named, *rest)

    def may_rewind(self) -> bool:
        early = self.exchange.state in (State.ASKED, State.STREAMING)
        return self.rewind_id is None and not self.exchange.untouched and not (early and self.turn % 2)

    @precondition(may_rewind)
    @rule(
        kept=st.integers(0, 20),
        truth=st.sampled_from(["rewound"] * 4 + ["refused", "failed", "silent", "early", "of another"]),
    )
    def rewind(self, kept: int, truth: str) -> None:
        """The CLI breaks off its turn, of which some may still come."""
        self.rewind_id, _ = self.exchange.rewind()
        self.truth = truth
        owed = sum(b'"result"' in rest for _, rest in self.unsaid)
        turn = [at for at, (belongs_to, _) in enumerate(self.unsaid) if belongs_to == "turn"]
        dropped = set(turn[kept:])
        broken_off = any(b'"result"' in self.unsaid[at][1] for at in dropped)
        self.unsaid = [each for at, each in enumerate(self.unsaid) if at not in dropped]
        ends = [result(is_error=True)] if broken_off else []
        payload: Json = {"subtype": "success", "request_id": self.rewind_id, "response": {"rewound": True}}
        match truth:
            case "refused":
                payload["response"] = {"rewound": False, "reason": "stale_target"}
            case "failed":
                payload |= {"subtype": "error", "error": "no"}
            case "of another":
                payload["request_id"], self.faithful = "another", False
        answer = [] if truth == "silent" else [{"type": "control_response", "response": payload}]
        if truth == "early" and owed and not any("begun" in belongs_to for belongs_to, _ in self.unsaid):
            self.faithful = False
            waiting, self.unsaid = self.unsaid, []
            self.say("rewind", *answer)
            self.unsaid += waiting
            self.say("rewind", *ends)
        else:
            self.truth = "rewound" if truth == "early" else truth
            self.say("rewind", *ends, *answer)

    def rewinding(self) -> bool:
        return self.rewind_id is not None

    @precondition(rewinding)
    @rule()
    def reset(self) -> None:
        """Hear the CLI out, and begin the next conversation if the rewind is true."""
        asked, turn = self.exchange, self.turn
        while self.unsaid and self.exchange is asked:
            self.read_all()
        if self.exchange is not asked:
            return
        response = asked.answer(str(self.rewind_id))
        if response is None or not asked.quiet:
            assert self.truth == "silent" or not self.faithful
            self.start_another()
            return
        try:
            self.exchange = asked.after_rewind(response)
        except NotRewound:
            assert self.truth in ("refused", "failed")
            self.start_another()
        else:
            assert self.truth == "rewound"
            assert self.turn == turn
            assert self.exchange.untouched
            self.begin_conversation()

    @rule(at=st.integers(0, 20), frame=st.sampled_from(HARMLESS))
    def chatter(self, at: int, frame: Json) -> None:
        self.interject(at, line(frame))

    def may_be_odd(self) -> bool:
        return self.turn % 3 == 1  # else there would be no whole conversations

    @precondition(may_be_odd)
    @rule(at=st.integers(0, 20), words=st.sampled_from(ODD))
    def talk_nonsense(self, at: int, words: bytes) -> None:
        self.interject(at, words)
        self.faithful = False

    @precondition(may_be_odd)
    @rule(
        kinds=st.lists(st.sampled_from(["message_start", "content_block_delta", "message_stop"]), min_size=1)
    )
    def tell_of_another(self, kinds: list[str]) -> None:
        """Somebody else's events: they can come only before what was asked is announced, or after its end."""
        ours = self.exchange._announced and self.exchange.state in (State.ASKED, State.STREAMING)
        if not ours and not self.inside_a_line():
            of_another = [event(kind, "another", delta={"stop_reason": "end_turn"}) for kind in kinds]
            self.unsaid[:0] = [("stale", line(each)) for each in of_another]
            self.faithful = False

    @precondition(lambda self: self.exchange.state is State.ASKED)
    @rule()
    def answer_another(self) -> None:
        """An answer that names another message, in the place of ours."""
        begins = [at for at, (_, rest) in enumerate(self.unsaid) if rest.startswith(_BEGINNING)]
        if begins:
            stale = {**event("message_start", "another"), "user_message_uuid": "another"}
            self.unsaid.insert(begins[0], ("stale", line(stale)))
            self.faithful = False

    @precondition(lambda self: self.exchange.streaming and self.rewind_id is None)
    @rule()
    def begin_another(self) -> None:
        """A second answer inside ours."""
        self.unsaid.insert(int(self.inside_a_line()), ("stale", line(event("message_start", "another"))))
        self.faithful = False

    def inside_a_line(self) -> bool:
        return bool(self.unsaid) and "begun" in self.unsaid[0][0]

    def interject(self, at: int, words: bytes) -> None:
        self.unsaid.insert(at or int(self.inside_a_line()), ("chatter", words))


Conversations.TestCase.settings = settings(max_examples=250, stateful_step_count=50, deadline=None)
TestConversations = Conversations.TestCase
