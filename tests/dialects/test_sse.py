"""Framing of event streams, by the examples of the specification and by any split of the bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.sse import EventDecoder, ServerSentEvent, encode_event


def decode(stream: bytes) -> list[ServerSentEvent]:
    return EventDecoder().feed(stream)


@pytest.mark.parametrize(
    ("name", "data", "framed"),
    [
        ("ping", b'{"type":"ping"}', b'event: ping\ndata: {"type":"ping"}\n\n'),
        ("x", b"", b"event: x\ndata: \n\n"),
        ("x", b"a\nb", b"event: x\ndata: a\ndata: b\n\n"),
        ("x", b"a\r\nb\rc\n", b"event: x\ndata: a\ndata: b\ndata: c\ndata: \n\n"),
    ],
)
def test_encode(name: str, data: bytes, framed: bytes) -> None:
    assert encode_event(name, data) == framed


@pytest.mark.parametrize("name", ["", "a\nb", "a\rdata: forged"])
def test_a_name_that_would_forge_lines_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="an event's name must be one non-empty line"):
        encode_event(name, b"{}")


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"data: a\n\n", [ServerSentEvent("message", "a")]),
        (b"data:a\n\n", [ServerSentEvent("message", "a")]),
        (b"data:  a\n\n", [ServerSentEvent("message", " a")]),
        (b"data\n\n", [ServerSentEvent("message", "")]),
        (b"data\ndata\n\n", [ServerSentEvent("message", "\n")]),
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [ServerSentEvent("message", "YHOO\n+2\n10")]),
        (
            b"event: add\ndata: 1\n\ndata: 2\n\n",
            [ServerSentEvent("add", "1"), ServerSentEvent("message", "2")],
        ),
        (b": comment\n\ndata: a:b\n\n", [ServerSentEvent("message", "a:b")]),
        (b"event: lost\n\ndata: a\n\n", [ServerSentEvent("message", "a")]),
        (
            b"id: 1\ndata: a\n\ndata: b\n\n",
            [ServerSentEvent("message", "a", "1"), ServerSentEvent("message", "b", "1")],
        ),
        (
            b"id: 1\ndata: a\n\nid\ndata: b\n\n",
            [ServerSentEvent("message", "a", "1"), ServerSentEvent("message", "b")],
        ),
        (b"id: a\0b\ndata: a\n\n", [ServerSentEvent("message", "a")]),
        (b"retry: 10\nnonsense: 1\ndata: a\n\n", [ServerSentEvent("message", "a")]),
        (b"\xef\xbb\xbfdata: a\n\n", [ServerSentEvent("message", "a")]),
        (b"data: a\n\n\xef\xbb\xbfdata: b\n\n", [ServerSentEvent("message", "a")]),
        (b"data: a\rdata: b\r\ndata: c\n\r\n", [ServerSentEvent("message", "a\nb\nc")]),
        (b"data: a\r\n\r\ndata: b\r\r", [ServerSentEvent("message", "a"), ServerSentEvent("message", "b")]),
        (b"data: \xff\xc3\n\n", [ServerSentEvent("message", "\ufffd\ufffd")]),
        (b"data: unfinished\n", []),
        (b"data: a\n\ndata: unfinished", [ServerSentEvent("message", "a")]),
        (b"", []),
    ],
)
def test_decode(stream: bytes, events: list[ServerSentEvent]) -> None:
    assert decode(stream) == events


def test_an_event_does_not_wait_for_the_byte_after_its_cr() -> None:
    decoder = EventDecoder()
    assert decoder.feed(b"data: a\r\r") == [ServerSentEvent("message", "a")]
    assert decoder.feed(b"\ndata: b\n\n") == [ServerSentEvent("message", "b")]


PIECES = st.sampled_from(
    [
        b"data: ",
        b"data",
        b"event: e",
        b"id: 7",
        b":",
        b" ",
        b"\r",
        b"\n",
        b"\r\n",
        b"\xef\xbb\xbf",
        "é€".encode(),
        b"\xff",
        b"\0",
    ]
)


@given(st.lists(PIECES, max_size=40).map(b"".join), st.data())
def test_any_split_gives_the_same_events(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    decoder = EventDecoder()
    events = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        events += decoder.feed(stream[start:end])
    assert events == decode(stream)


def read_by_the_book(stream: bytes) -> list[ServerSentEvent]:
    """The specification word for word, over the whole stream at once."""
    text = stream.decode(errors="replace").removeprefix("\ufeff")
    *lines, _ = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    events, name, data, last_id = [], "", "", ""
    for line in lines:
        field, _, value = line.partition(":")
        value = value[1:] if value[:1] == " " else value
        if not line and data:
            events.append(ServerSentEvent(name or "message", data.removesuffix("\n"), last_id))
        if not line:
            name = data = ""
        elif field == "event":
            name = value
        elif field == "data":
            data += f"{value}\n"
        elif field == "id" and "\0" not in value:
            last_id = value
    return events


@given(st.lists(PIECES, max_size=40).map(b"".join))
def test_it_reads_as_the_specification_says(stream: bytes) -> None:
    assert decode(stream) == read_by_the_book(stream)


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1),
            st.text(st.characters(exclude_characters="\r", codec="utf-8")),
        )
    )
)
def test_what_is_encoded_is_decoded(events: list[tuple[str, str]]) -> None:
    stream = b"".join(encode_event(name, data.encode()) for name, data in events)
    # One leading space of a value belongs to the framing, and encode_event always writes it.
    assert decode(stream) == [ServerSentEvent(name, data) for name, data in events]
