"""What became of a request, and whether that is true.

A whole answer is true if it is all of the right one. A failure is true if something that befell the request, or may
have, has just that told of it. No end but these is, unless the client left. And nothing that a client read may hold
the word of another's request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from ccproxy_trio.claude.demo.count import count_tokens

from .hearing import Heard, Lie, Told, hear
from .numbers import LIMITED
from .speech import echo_of, messages_of

if TYPE_CHECKING:
    from .client import Seen
    from .drawing import Asked
    from .truths import Truth

_WORD = re.compile(rb"chaos-\d{7}")


@frozen
class Verdict:
    """What one request is counted as."""

    outcome: str
    truth: Truth | None = None
    """The failure that it was told."""


def judge(seen: Seen) -> Verdict:
    """Raises Lie."""
    strange = {*_WORD.findall(seen.head), *_WORD.findall(seen.body)} - {seen.asked.word.encode()}
    if strange:
        raise Lie(f"holds the words of {sorted(strange)}")
    match seen.end:
        case "left":
            return Verdict("left")
        case "whole":
            return _judge_whole(seen)
        case "late":
            raise Lie(f"no outcome after {seen.seconds:.0f} s; status {seen.status}, {len(seen.body)} bytes")
    if seen.end == "cut" and seen.asked.leaving.stage and not seen.sent_all:
        return Verdict("left")
    raise Lie(f"no outcome: {seen.end or 'nothing'} after {bytes(seen.body[-300:])!r} ({seen.why})")


def _judge_whole(seen: Seen) -> Verdict:
    heard = hear(seen.asked.dialect, seen.status, seen.headers, bytes(seen.body))
    if heard.told is not None:
        truth = _find(seen, heard.told)
        return Verdict(truth.outcome, truth)
    if not seen.asked.whole:
        raise Lie(f"a whole answer to what had to fail: {bytes(seen.body[-300:])!r}")
    _check(seen.asked, heard, bytes(seen.body))
    streamed = seen.headers["content-type"].startswith("text/event-stream")
    if streamed != seen.asked.stream:
        raise Lie("streamed and not, the other way round")
    return Verdict("answered")


def _find(seen: Seen, told: Told) -> Truth:
    if told.openai != seen.asked.openai:
        raise Lie(f"told in the way of another API: {told}")
    for truth in seen.asked.truths:
        if truth.covers(told, seen.seconds):
            return truth
    raise Lie(f"untrue after {seen.seconds:.2f} s: {told}")


def _check(asked: Asked, heard: Heard, body: bytes) -> None:
    answer = heard.whole or {}
    match asked.dialect:
        case "count":
            right = answer == {"input_tokens": count_tokens({"messages": messages_of(asked)})}
        case "models":
            names = [model["id"] for model in answer["data"]]
            right = bool(names) and (asked.key != LIMITED or not any("opus" in name for name in names))
        case _ if asked.dump:
            turns = re.findall(rf"{asked.word} turn (\d+)", heard.text)
            right = turns == [str(n) for n in range(asked.turns)]
        case _:
            # `deltas` has dots put behind a text that is too short for so many.
            right = heard.text.rstrip(".") == echo_of(asked)
            right = right and heard.calls == (("look",) if asked.tool else ())
    if not right:
        raise Lie(f"not the right answer: {body[-500:]!r}")
