"""A minute of chaos, in which the server says nothing that is not true; and the judge of it knows a lie.

`CCPROXY_CHAOS_MINUTES` makes it longer, `CCPROXY_CHAOS_SEED` draws something else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import evolve

from benchmarks.chaos.client import Seen
from benchmarks.chaos.drawing import Asked, draw
from benchmarks.chaos.faults import COURSES, Course
from benchmarks.chaos.hearing import Lie
from benchmarks.chaos.numbers import FREE, LIMITED
from benchmarks.chaos.verdict import judge

MINUTES = float(os.environ.get("CCPROXY_CHAOS_MINUTES", "1"))
SEED = os.environ.get("CCPROXY_CHAOS_SEED", "6")
ROOT = Path(__file__).parent.parent
LIMIT = MINUTES * 60 + 300

PLAIN = Asked(7, FREE, "messages", stream=False, course=Course("", 0))
DYING = evolve(PLAIN, course=next(course for course in COURSES if course.wish == "die=before_first"))
RIGHT = "Demo echo: chaos-0000007 turn 0"


@pytest.mark.timeout(LIMIT + 30)
def test_everything_at_once() -> None:
    switches = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    argv = [sys.executable, "-m", "benchmarks.chaos", "--minutes", str(MINUTES), "--seed", SEED]
    with subprocess.Popen(
        argv,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **switches},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as run:
        try:
            said, _ = run.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGTERM)  # so that it ends what it has started
            raise
    assert run.returncode == 0, said
    assert "\n0 lies\n" in said
    for outcome in ("answered", "failed as asked", "left", "over its limits", "overloaded", "refused"):
        assert f"\n| {outcome} | " in said


def whole(asked: Asked, status: int, answer: Any, seconds: float = 0.1, **headers: str) -> Seen:
    """An answer in JSON."""
    told = {"content-type": "application/json", "request-id": "req_1", **headers}
    return Seen(asked, "whole", status, told, body=bytearray(orjson.dumps(answer)), seconds=seconds)


def streamed(asked: Asked, *events: dict[str, Any]) -> Seen:
    """An answer as events."""
    body = b"".join(
        b"event: %b\ndata: %b\n\n" % (each["type"].encode(), orjson.dumps(each)) for each in events
    )
    head = {"content-type": "text/event-stream; charset=utf-8"}
    return Seen(evolve(asked, stream=True), "whole", 200, head, body=bytearray(body), seconds=0.1)


def message(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


def error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}


def delta(text: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "delta": {"type": "text_delta", "text": text}}


START = {"type": "message_start"}
END = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
STOP = {"type": "message_stop"}
BUSY = "all claude instances are busy: pool 'claude': no resource came free in 2.0 s (4/4 resources)"
DEAD = "the claude process exited with status 70"
SHOT = "the claude process exited with status -9"
OVER = "this key may make no more than 5 requests under way at the same time"


@pytest.mark.parametrize(
    ("seen", "outcome"),
    [
        (whole(PLAIN, 200, message(RIGHT)), "answered"),
        (streamed(PLAIN, START, delta(RIGHT), END, STOP), "answered"),
        (whole(DYING, 502, error("api_error", DEAD)), "failed as asked"),
        (streamed(DYING, START, error("api_error", DEAD)), "failed as asked"),
        (whole(PLAIN, 502, error("api_error", SHOT)), "its instance was shot"),
        (whole(PLAIN, 529, error("overloaded_error", BUSY), 2.1, **{"retry-after": "1"}), "overloaded"),
        (
            whole(evolve(PLAIN, key=LIMITED), 429, error("rate_limit_error", OVER), **{"retry-after": "1"}),
            "over its limits",
        ),
    ],
)
def test_what_is_true(seen: Seen, outcome: str) -> None:
    assert judge(seen).outcome == outcome


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(whole(PLAIN, 200, message("Demo echo: another")), id="another answer"),
        pytest.param(whole(PLAIN, 200, message(f"{RIGHT} chaos-0000008")), id="the word of another"),
        pytest.param(streamed(PLAIN, START, delta(RIGHT)), id="no end"),
        pytest.param(streamed(PLAIN, START, delta(RIGHT), END, STOP, STOP), id="two ends"),
        pytest.param(streamed(PLAIN, START, delta("Demo echo:"), END, STOP), id="half an answer"),
        pytest.param(streamed(DYING, START, delta(RIGHT), END, STOP), id="a clean end of a broken stream"),
        pytest.param(whole(PLAIN, 502, error("api_error", DEAD)), id="a failure that nobody asked for"),
        pytest.param(whole(DYING, 504, error("api_error", DEAD)), id="another status"),
        pytest.param(whole(DYING, 502, error("timeout_error", DEAD)), id="another type"),
        pytest.param(
            whole(PLAIN, 529, error("overloaded_error", BUSY), 1.9, **{"retry-after": "1"}), id="too early"
        ),
        pytest.param(whole(PLAIN, 529, error("overloaded_error", BUSY), 2.1), id="no time to come again"),
        pytest.param(
            whole(PLAIN, 429, error("rate_limit_error", OVER), **{"retry-after": "1"}), id="no such limit"
        ),
        pytest.param(whole(DYING, 502, {"error": DEAD}), id="no shape at all"),
        pytest.param(
            whole(evolve(DYING, dialect="chat"), 502, error("api_error", DEAD)), id="the shape of another API"
        ),
        pytest.param(whole(PLAIN, 500, error("api_error", "internal error")), id="a mistake of the server's"),
        pytest.param(Seen(PLAIN, "cut", sent_all=True), id="no answer"),
        pytest.param(Seen(PLAIN, "late", sent_all=True), id="no end in sight"),
    ],
)
def test_what_is_a_lie(seen: Seen) -> None:
    with pytest.raises(Lie):
        judge(seen)


def test_a_seed_draws_the_same_again() -> None:
    drawn = [draw(1, number, FREE) for number in range(500)]
    assert drawn == [draw(1, number, FREE) for number in range(500)]
    assert drawn != [draw(2, number, FREE) for number in range(500)]
    assert {asked.course.wish for asked in drawn} >= {course.wish for course in COURSES if course.weight > 3}
