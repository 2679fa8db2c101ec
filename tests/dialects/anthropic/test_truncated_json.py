"""What is certain of JSON that was cut off."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic.truncated_json import decode_truncated


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{", {}),
        ('{"a', {}),
        ('{"a"', {}),
        ('{"a": ', {}),
        ('{"a": "b', {}),
        ('{"a": 12', {}),
        ('{"a": 12,', {"a": 12}),
        ('{"a": 12, "b": tr', {"a": 12}),
        ('{"a": [1, 2', {"a": [1]}),
        ('{"a": [1, 2]', {"a": [1, 2]}),
        ('{"a": {"b": {}, "c": [', {"a": {"b": {}, "c": []}}),
        (r'{"a": "\"}],", "b": "{[\\', {"a": '"}],'}),
        ("[1, 2]", [1, 2]),
    ],
)
def test_keeps_what_is_whole(text: str, value: Any) -> None:
    assert decode_truncated(text) == value


@pytest.mark.parametrize("text", ["", "12", "{]", "}", '{"a" 1,', "{nope,"])
def test_what_begins_no_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"closes nothing|char|zero-length"):
        decode_truncated(text)


TEXTS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.booleans() | st.integers(0, 9999) | TEXTS,
    lambda children: st.lists(children, max_size=3) | st.dictionaries(TEXTS, children, max_size=3),
    max_leaves=6,
)


def begins(part: Any, whole: Any) -> bool:
    """Whether `part` is `whole` with only its end missing."""
    if isinstance(part, dict) and isinstance(whole, dict):
        keys = list(part)
        return keys == list(whole)[: len(keys)] and all(
            part[key] == whole[key] if key != keys[-1] else begins(part[key], whole[key]) for key in keys
        )
    if isinstance(part, list) and isinstance(whole, list):
        return part[:-1] == whole[: len(part[:-1])] and all(map(begins, part[-1:], whole[len(part) - 1 :]))
    return bool(part == whole)


@given(st.dictionaries(TEXTS, VALUES, max_size=4), st.data())
def test_any_beginning_of_an_object_decodes_to_a_beginning_of_it(
    value: dict[str, Any], data: st.DataObject
) -> None:
    text = orjson.dumps(value).decode()
    part = decode_truncated(text[: data.draw(st.integers(1, len(text)))])
    assert begins(part, value)
    assert decode_truncated(text) == value
