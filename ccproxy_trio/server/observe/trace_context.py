"""The headers `traceparent` and `tracestate` of W3C Trace Context, read as level 1 says. Pure.

Rules:

* What is not exactly as it must be is as if it were not there: the request begins a trace of its own.
* A version that we do not know is read by the rules of version 00, if it begins like one.
* Without a proper `traceparent` the `tracestate` means nothing; a malformed `tracestate` does no harm to the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_VALUE = r"[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]"
_MEMBER = re.compile(f"({_KEY})=({_VALUE})")
_MOST_MEMBERS = 32
_LONGEST_STATE = 512
"""Characters of a `tracestate` that everybody passes on."""
_KNOWN_FLAGS = 0x03  # sampled; the trace's id is random


@frozen
class TraceContext:
    """Where a request belongs in its client's trace: identifiers that the client has made, for tracers alone."""

    trace_id: int
    parent_id: int
    flags: int
    state: tuple[tuple[str, str], ...] = ()


def parse_trace_context(parents: Sequence[str], states: Sequence[str]) -> TraceContext | None:
    """The context that the values of the two headers tell of, None if it is none."""
    if len(parents) != 1 or (match := _PARENT.fullmatch(parents[0].strip(" \t"))) is None:
        return None
    version, trace_id, parent_id, flags, more = match.groups()
    if version == "ff" or (version == "00" and more):
        return None
    if not int(trace_id, 16) or not int(parent_id, 16):
        return None
    known = int(flags, 16) & _KNOWN_FLAGS
    return TraceContext(int(trace_id, 16), int(parent_id, 16), known, _parse_state(",".join(states)))


def _parse_state(header: str) -> tuple[tuple[str, str], ...]:
    members = [member.strip(" \t") for member in header.split(",")] if len(header) <= _LONGEST_STATE else []
    found = [_MEMBER.fullmatch(member) for member in members if member]
    pairs = {match[1]: match[2] for match in found if match is not None}
    whole = len(pairs) == len(found) <= _MOST_MEMBERS
    return tuple(pairs.items()) if whole else ()
