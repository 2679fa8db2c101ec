"""Pieces of requests for a response, and what is said of bad ones."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.failures import Failure, InvalidRequest
from ccproxy_trio.dialects.openai import ResponsesRequest, parse_responses_request

USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "c1", "output": "x"}
TOOL = {"type": "function", "name": "f"}
SEALED = "claude-1.eyJ0eXBlIjoidGhpbmtpbmciLCJ0aGlua2luZyI6ImhtIiwic2lnbmF0dXJlIjoiYzJsbiJ9"
REASONING = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": SEALED}


def body(**fields: Any) -> bytes:
    return orjson.dumps({"model": "gpt-4o", "input": "Hi", **fields})


def ask(**fields: Any) -> ResponsesRequest:
    return parse_responses_request(body(**fields))


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidRequest) as caught:
        parse_responses_request(raw)
    assert caught.value.failure == Failure(400, str(caught.value))
    return str(caught.value)


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def allowed(*names: str, mode: str = "auto") -> dict[str, Any]:
    return {"type": "allowed_tools", "mode": mode, "tools": [{"type": "function", "name": n} for n in names]}
