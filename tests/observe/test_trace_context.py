"""The two headers of a client's trace, read as W3C Trace Context says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.server.observe.trace_context import TraceContext, parse_trace_context

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PROPER = f"00-{TRACE}-{PARENT}-01"
KNOWN = TraceContext(int(TRACE, 16), int(PARENT, 16), 1)


@pytest.mark.parametrize(
    "header",
    [
        PROPER,
        f" \t{PROPER} ",
        f"cc-{TRACE}-{PARENT}-01",
        f"cc-{TRACE}-{PARENT}-01-what-the-future-brings",
        f"00-{TRACE}-{PARENT}-f9",  # of the flags that we do not know, none is kept
    ],
)
def test_one_that_is_proper(header: str) -> None:
    assert parse_trace_context([header], []) == KNOWN


@pytest.mark.parametrize(
    "header",
    [
        "",
        "00",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-",
        f"00-{TRACE}-{PARENT}-1",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01\n",
        f"cc-{TRACE}-{PARENT}-01.more",
        f"ff-{TRACE}-{PARENT}-01",
        f"0-{TRACE}-{PARENT}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}g-01",
        f"00_{TRACE}-{PARENT}-01",
    ],
)
def test_one_that_is_not(header: str) -> None:
    assert parse_trace_context([header], ["a=1"]) is None


def test_of_two_none_counts() -> None:
    assert parse_trace_context([PROPER, PROPER], []) is None
    assert parse_trace_context([], ["a=1"]) is None


@pytest.mark.parametrize(
    ("headers", "state"),
    [
        (["a=1"], {"a": "1"}),
        (["a=1, b@c=2 ,,\t"], {"a": "1", "b@c": "2"}),
        (["a=1", "b=2"], {"a": "1", "b": "2"}),
        (["a= 1 x"], {"a": " 1 x"}),
        ([",".join(f"k{n}=v" for n in range(32))], {f"k{n}": "v" for n in range(32)}),
        ([",".join(f"k{n}=v" for n in range(33))], {}),
        (["a=1,a=2"], {}),
        (["a=1,A=2"], {}),
        (["a=1,b=="], {}),
        (["a=1,b"], {}),
        (["a=1,b="], {}),
        (["a=1,b=\x7f"], {}),
        (["a=" + "x" * 250 + ",b=" + "x" * 250], {"a": "x" * 250, "b": "x" * 250}),
        (["a=" + "x" * 250 + ",b=" + "x" * 257], {}),
        (["a=" + "x" * 250, "b=" + "x" * 250, "c=1234567"], {}),
    ],
)
def test_the_state(headers: list[str], state: dict[str, str]) -> None:
    found = parse_trace_context([PROPER], headers)
    assert found is not None
    assert (found.trace_id, found.parent_id, found.flags) == (KNOWN.trace_id, KNOWN.parent_id, 1)
    assert dict(found.state) == state


@given(st.lists(st.text(max_size=60), max_size=2), st.lists(st.text(max_size=600), max_size=3))
def test_whatever_comes_is_no_error(parents: list[str], states: list[str]) -> None:
    found = parse_trace_context(parents, states)
    assert found is None or (found.trace_id and found.parent_id and found.flags <= 3)
