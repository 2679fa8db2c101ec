"""Nothing but InvalidRequest comes out of parse_count_request; and what it takes is read as for a message."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from ccproxy_trio.dialects.anthropic import error_response, parse_request
from ccproxy_trio.dialects.anthropic.count_tokens import CountRequest, parse_count_request
from ccproxy_trio.dialects.failures import InvalidRequest
from tests.dialects.anthropic import sound, wild

ASKED = ("model", "messages", "system")


def check(body: bytes) -> None:
    try:
        counted = parse_count_request(body)
    except InvalidRequest as error:
        failure = error.failure
    else:
        check_whole(counted, body)
        return
    # And its words can be sent.
    assert orjson.loads(error_response(failure)[2])["error"]["message"] == failure.message


def check_whole(counted: CountRequest, body: bytes) -> None:
    fields = orjson.loads(body)
    alike = {"max_tokens": 1, **{name: fields[name] for name in ASKED if name in fields}}
    request = parse_request(orjson.dumps(alike))
    assert (counted.model, counted.messages, counted.system) == (
        request.model,
        request.messages,
        request.system,
    )


@given(st.binary(max_size=64) | wild.JSON.map(orjson.dumps))
def test_any_body(body: bytes) -> None:
    check(body)


@given(wild.requests(), st.sets(st.sampled_from(["max_tokens", "stream", "tools", *sound.PARAMETERS])))
def test_anything_like_a_request(fields: dict[str, Any], kept: set[str]) -> None:
    check(orjson.dumps({name: value for name, value in fields.items() if name in kept or name in ASKED}))
