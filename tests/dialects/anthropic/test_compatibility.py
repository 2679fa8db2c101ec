"""docs/compatibility.md says of every field, role, block and key what parse_request really does with it."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from ccproxy_trio.dialects.anthropic import error_type, parse_request
from ccproxy_trio.dialects.anthropic.known import (
    NULLABLE_FIELDS,
    UNSUPPORTED_BLOCKS,
    UNSUPPORTED_FIELDS,
    UNSUPPORTED_TEXT_KEYS,
)
from ccproxy_trio.dialects.failures import Failure, InvalidRequest

PAGE = (Path(__file__).parents[3] / "docs" / "compatibility.md").read_text()
NULLABLE = "null is the same as absent"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under a heading, without its head."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table[2:]]


FIELDS, ROLES = rows("Fields of the body"), rows("Roles of messages")
BLOCKS, KEYS = rows("Content blocks"), rows("Keys of a text block")
HEADERS, ERRORS = rows("Headers of the request"), rows("Errors")
GOOD: dict[str, Any] = {
    "model": "opus",
    "max_tokens": 10,
    "messages": [{"role": "user", "content": "Hi"}],
    "system": "Be brief.",
    "stream": True,
}


def outcome(fields: dict[str, Any]) -> str:
    try:
        parse_request(orjson.dumps({**GOOD, **fields}))
    except InvalidRequest as error:
        return str(error)
    return "honoured"


def conversation(*messages: tuple[str, object]) -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content} for role, content in messages]}


@pytest.mark.parametrize(("field", "status", "notes"), FIELDS)
def test_field(field: str, status: str, notes: str) -> None:
    if status == "honoured":
        assert outcome({field: GOOD[field]}) == "honoured"
        assert outcome({field: {}}).startswith(f"{field}: ")
        assert notes.startswith("required") == (field in {"model", "messages", "max_tokens"})
    else:
        refused = f"{field}: this server does not support this field yet"
        assert status == "refused"
        assert outcome({field: {}}) == refused
        assert outcome({field: None}) == ("honoured" if notes.startswith(NULLABLE) else refused)


@pytest.mark.parametrize(("role", "status", "notes"), ROLES)
def test_role(role: str, status: str, notes: str) -> None:
    messages = conversation(("user", "a"), (role, "b"), ("user", "c"))
    refused = (
        f"messages.1.role: this server does not support the role '{role}' yet; use the top-level field system"
    )
    assert outcome(messages) == {"honoured": "honoured", "refused": refused}[status]
    assert ("first or the last" in notes) == (
        outcome(conversation((role, "a"), ("user", "b"))).startswith("messages: first")
    )


@pytest.mark.parametrize(("kind", "status", "notes"), BLOCKS)
def test_block(kind: str, status: str, notes: str) -> None:
    refused = f"messages.0.content.0.{kind}: this server does not support this block type yet"
    content = [{"type": kind, **({"text": "Hi"} if status == "honoured" else {})}]
    assert outcome(conversation(("user", content))) == {"honoured": "honoured", "refused": refused}[status]


@pytest.mark.parametrize(("key", "status", "notes"), KEYS)
def test_key(key: str, status: str, notes: str) -> None:
    block = {"type": "text", "text": "Hi"}
    if status == "honoured":
        assert notes == "required"
        del block[key]
        assert outcome(conversation(("user", [block]))).endswith(f"{key}: Field required")
    else:
        refused = f"messages.0.content.0.text.{key}: this server does not support this key yet"
        assert status == "refused"
        assert outcome(conversation(("user", [{**block, key: {}}]))) == refused
        assert notes.startswith(NULLABLE)
        assert outcome(conversation(("user", [{**block, key: None}]))) == "honoured"


@pytest.mark.parametrize(("header", "status", "notes"), HEADERS)
def test_header(header: str, status: str, notes: str) -> None:
    # Reading a request takes its body alone, so a header cannot be anything else; nor can one be told in the body.
    assert list(inspect.signature(parse_request).parameters) == ["body"]
    assert status == ("refused" if header == "content-encoding" else "ignored")  # tests/server shows that one
    name = header.replace("-", "_")
    assert outcome({name: "x"}) == f"{name}: Extra inputs are not permitted"


@pytest.mark.parametrize(("status", "kind"), ERRORS)
def test_error(status: str, kind: str) -> None:
    assert error_type(Failure(int(status), "?")) == kind


def test_no_name_is_missing_from_the_page() -> None:
    assert {row[0] for row in FIELDS} == UNSUPPORTED_FIELDS | set(GOOD)
    assert {row[0] for row in BLOCKS} == UNSUPPORTED_BLOCKS | {"text"}
    assert {row[0] for row in KEYS} == UNSUPPORTED_TEXT_KEYS | {"type", "text"}
    assert {row[0] for row in FIELDS if row[2] == NULLABLE} == NULLABLE_FIELDS
    assert {row[0] for row in ROLES} == {"user", "assistant", "system"}
