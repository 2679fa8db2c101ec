"""Bodies that are not one JSON object, and how that is said."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import decode_object, refuse_lost_keys, refuse_repeated_keys

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_JSON = "The request body is not valid JSON: "
NOT_AN_OBJECT = "The request body must be a JSON object"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", NOT_JSON + "Input is a zero-length, empty document: line 1 column 1 (char 0)"),
        (b'{"a":', NOT_JSON + "unexpected end of data: line 1 column 6 (char 5)"),
        (b'{\n"a": 1,}', NOT_JSON + "trailing comma is not allowed: line 2 column 7 (char 8)"),
        (b"{} {}", NOT_JSON + "unexpected content after document: line 1 column 4 (char 3)"),
        (b'{"a": NaN}', NOT_JSON + "unexpected character, expected a JSON value: line 1 column 7 (char 6)"),
        (
            b'{"a": Infinity}',
            NOT_JSON + "unexpected character, expected a JSON value: line 1 column 7 (char 6)",
        ),
        (b'{"a": 1e999}', NOT_JSON + "number is infinity when parsed as double: line 1 column 7 (char 6)"),
        (rb'{"a": "\ud800"}', NOT_JSON + "no low surrogate in string: line 1 column 8 (char 7)"),
        (
            b"\xef\xbb\xbf{}",
            NOT_JSON + "UTF-8 byte order mark (BOM) is not supported: line 1 column 1 (char 0)",
        ),
        (
            b'{"a": "\xff"}',
            NOT_JSON + "str is not valid UTF-8: surrogates not allowed: line 1 column 1 (char 0)",
        ),
        (b"[]", NOT_AN_OBJECT),
        (b"null", NOT_AN_OBJECT),
        (b'"{}"', NOT_AN_OBJECT),
        (b"1", NOT_AN_OBJECT),
    ],
)
def test_refused_with_the_position(body: bytes, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_object(body)
    assert (caught.value.field, str(caught.value)) == ("", message)


@pytest.mark.parametrize("depth", [1025, 100_000, 400_000])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_deep_nesting_ends_in_an_error_and_not_in_a_crash(depth: int, opening: bytes) -> None:
    with pytest.raises(InvalidRequest, match=NOT_JSON):
        decode_object(opening * depth)


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (rb'{"a": [{"b": {}}, {"c": 1, "d": 2, "\u0063": 3}]}', "c"),
        (b'{"": 0, "": 0}', '""'),
        (b'{"%b": 0, "%b": 0}' % (b"k" * 200, b"k" * 200), "k" * 100 + "…"),
    ],
)
def test_a_repeated_key_is_named(body: bytes, key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        refuse_repeated_keys(body)
    assert str(caught.value) == f"The request body has the key {key} twice in one object"


def test_one_key_in_many_objects_is_fine() -> None:
    refuse_repeated_keys(b'{"a": {"a": [{"a": 1}, {"a": "a"}]}, "b": "\\"a\\": 1, \\"a\\": 1"}')


def test_a_number_of_many_digits_is_read() -> None:
    refuse_repeated_keys(b'{"a": %b}' % (b"9" * 10_000))


@pytest.mark.parametrize("depth", [500, 900, 1000, 1024])
def test_what_the_first_reading_takes_never_crashes_the_second(depth: int) -> None:
    body = b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
    decode_object(body)
    # Whether the second can follow that deep is the interpreter's to say.
    with contextlib.suppress(InvalidRequest):
        refuse_repeated_keys(body)


def test_what_would_take_long_to_decode_is_refused() -> None:
    least = b'{"a":"' + b"{[:" * 333_332 + b"%b"
    decode_object(least % b'[["}')
    with pytest.raises(InvalidRequest, match=r"^The request body has more than 1000000 brackets and colons"):
        decode_object(least % b'[[["}')


NAMES = st.sampled_from(["a", "b", ":", '":', "\\u003a", "é"])


def members(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.builds(
        lambda name, space, value: f"{name}{space}:{value}", NAMES.map(json.dumps), SPACE, values
    )
    return st.lists(member, max_size=4).map(lambda each: "{" + ",".join(each) + "}")


SPACE = st.sampled_from(["", " "])
TEXTS = st.recursive(
    NAMES.map(json.dumps) | st.sampled_from(["1", "1.50", r'"\u003a"', r'"\u003A\\\u003a"']),
    lambda inner: members(inner) | st.lists(inner, max_size=3).map(lambda each: "[" + ",".join(each) + "]"),
)


@given(members(TEXTS))
def test_a_lost_key_is_found_without_a_second_reading(text: str) -> None:
    def told(refuse: Callable[[], None]) -> str:
        try:
            refuse()
        except InvalidRequest as error:
            return str(error)
        return ""

    body = text.encode()
    written = orjson.dumps(decode_object(body))
    assert told(lambda: refuse_lost_keys(body, written)) == told(lambda: refuse_repeated_keys(body))
