"""Pairs in files: a request and its Messages body; a message, its response and the events of its stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from attrs import evolve
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from ccproxy_trio.dialects.anthropic import MessageAssembler, read_request
from ccproxy_trio.dialects.openai import ResponseStream, build_response, parse_responses_request

from ..test_golden import streamed

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
CREATED = 1_700_000_000
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TOLD = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What an answer tells of a request that set nothing."""


def pairs(kind: str) -> Callable[..., Any]:
    files = sorted((GOLDEN / kind).glob("*.json"))
    assert files
    return pytest.mark.parametrize(
        "pair", [pytest.param(orjson.loads(f.read_bytes()), id=f.stem) for f in files]
    )


@pairs("requests")
def test_request(pair: dict[str, Any]) -> None:
    request = parse_responses_request(orjson.dumps(pair["request"]), **pair.get("options", {}))
    assert request.messages == evolve(read_request(pair["messages"]), ignored=())
    assert list(request.ignored) == pair["ignored"]
    assert request.settings == {**TOLD, **pair["told"]}
    assert request.model == pair["request"]["model"]
    assert request.stream == bool(pair["request"].get("stream"))
    assert request.summary == bool(request.settings["reasoning"]["summary"])


@pairs("answers")
def test_answer(pair: dict[str, Any]) -> None:
    request = parse_responses_request(orjson.dumps(pair["request"]))
    response = build_response(pair["message"], request, CREATED, CREATED)
    completed = CREATED if response["status"] == "completed" else None
    assert response == {**TOLD, "completed_at": completed, **pair["response"]}
    Response.model_validate(response, strict=True)


@pairs("answers")
def test_answer_in_events(pair: dict[str, Any]) -> None:
    request = parse_responses_request(orjson.dumps(pair["request"]))
    stream = ResponseStream(request, lambda: CREATED)
    assembler = MessageAssembler()
    events, message = [], None
    for event in streamed(pair["message"]):
        assert not stream.done
        events += stream.feed(event)
        message = assembler.feed(event)
    assert message == pair["message"]  # so that both tell of the same answer
    assert stream.done
    for event in events:
        EVENT.validate_python(event, strict=True)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    created, begun, *said, last = events
    assert [without_numbers(event) for event in said] == pair["events"]
    whole = build_response(pair["message"], request, CREATED, CREATED)
    assert (last["type"], last["response"]) == (f"response.{whole['status']}", whole)
    known = dict.fromkeys(("completed_at", "incomplete_details", "usage"))
    known |= {"status": "in_progress", "output": []}
    for event, kind in ((created, "created"), (begun, "in_progress")):
        assert (event["type"], event["response"]) == (f"response.{kind}", {**whole, **known})


def without_numbers(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key != "sequence_number"}
