"""The document is one of OpenAPI 3.1, knows every route and no other, and its examples are answered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import jsonschema
import orjson
import pytest
import schemathesis

from ccproxy_trio.dialects.anthropic.count_tokens import NEUTRAL, WITHOUT_EFFECT
from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS, UNSUPPORTED_FIELDS
from ccproxy_trio.dialects.anthropic.request import FIELDS
from ccproxy_trio.dialects.openai import fields as chat
from ccproxy_trio.dialects.openai.responses import fields as responses
from ccproxy_trio.server.access import OPEN_PATHS
from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.openapi import build_document
from ccproxy_trio.settings import (
    ClaudeSettings,
    KeySettings,
    OpenAISettings,
    ServerSettings,
    Settings,
    hash_key,
    new_key,
)
from tests.server.conftest import demo as demo
from tests.server.conftest import scratch as scratch
from tests.server.http_client import fetch, open_exchange
from tests.server.proxy import open_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.server.proxy import Backend

Json = dict[str, Any]

PLAIN = Settings()
KEYS = {"ada": KeySettings(hash=hash_key(new_key()))}
DEMO = Settings(claude=ClaudeSettings(demo=True))
FULL = Settings(
    server=ServerSettings(keys=KEYS),
    claude=ClaudeSettings(demo=True, allowed_tools=("web_search", "code_execution")),
    openai=OpenAISettings(unsupported="ignore"),
)


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Each operation, with its method and path."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def body_examples(document: Json) -> Iterator[tuple[str, str, Json, Json]]:
    """Each example of a body: its path and name, the body's schema, and the body."""
    for _, path, operation in operations(document):
        if "requestBody" in operation:
            content = operation["requestBody"]["content"]["application/json"]
            for name, example in content["examples"].items():
                yield path, name, content["schema"], example["value"]


def find(held: object, key: str) -> Iterator[Any]:
    """What stands under a key, wherever it is."""
    if isinstance(held, dict):
        yield from [held[key]] if key in held else []
    for each in held.values() if isinstance(held, dict) else held if isinstance(held, list) else ():
        yield from find(each, key)


@pytest.mark.parametrize("settings", [PLAIN, FULL], ids=["plain", "full"])
def test_it_is_openapi(settings: Settings) -> None:
    document = build_document(settings)
    schemathesis.openapi.from_dict(document).validate()
    for schema in [*document["components"]["schemas"].values(), *find(document["paths"], "schema")]:
        jsonschema.Draft202012Validator.check_schema(schema)
    there = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses")
        for name in document["components"][kind]
    }
    assert set(find(document, "$ref")) == there
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(ids)) == len(ids)


def test_it_has_each_route_and_no_other() -> None:
    no_pool: Any = Mock()
    rules = create_app(no_pool, PLAIN).url_map.iter_rules()
    served = {
        (method, re.sub(r"<path:(\w+)>", r"{\1}", rule.rule))
        for rule in rules
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert {(method, path) for method, path, _ in operations(build_document(PLAIN))} == served


def test_it_knows_every_field() -> None:
    schemas = build_document(PLAIN)["components"]["schemas"]
    named = {
        name: set(schemas[f"{name}Request"]["properties"])
        for name in ("Message", "Count", "Chat", "Response")
    }
    assert named == {
        "Message": FIELDS | (UNSUPPORTED_FIELDS.keys() & NULLABLE_FIELDS),
        "Count": {"model", "messages", "system"} | NEUTRAL.keys() | WITHOUT_EFFECT,
        "Chat": chat.CARRIED | chat.UNSUPPORTED.keys() | chat.WITHOUT_EFFECT.keys() | chat.REPLACED.keys(),
        "Response": responses.CARRIED
        | responses.UNSUPPORTED.keys()
        | responses.WITHOUT_EFFECT.keys()
        | responses.KEPT.keys(),
    }


def test_it_tells_what_the_settings_change() -> None:
    plain, full = build_document(PLAIN), build_document(FULL)
    assert "security" not in plain
    assert [list(each) for each in full["security"]] == [["ApiKey"], ["Bearer"]]
    unguarded = {path for _, path, operation in operations(full) if "security" in operation}
    assert unguarded == OPEN_PATHS
    assert unguarded == {
        path for _, path, operation in operations(full) if "401" not in operation["responses"]
    }
    assert not plain["paths"]["/pool/stats"]["get"]["responses"].keys() & {"401", "429"}
    for document, tools, accepted in ((plain, 2, False), (full, 3, True)):
        schemas = document["components"]["schemas"]
        assert len(schemas["Tool"]["anyOf"]) == tools
        seed = jsonschema.Draft202012Validator(schemas["ChatRequest"]["properties"]["seed"])
        assert seed.is_valid(7) == accepted
    pattern = full["components"]["schemas"]["Tool"]["anyOf"][2]["properties"]["type"]["pattern"]
    assert re.match(pattern, "web_search_20250305")
    assert not re.match(pattern, "web_fetch_20250910")


def check_headers(operation: dict[str, Any], headers: Mapping[str, str]) -> None:
    """Those that are ours are described."""
    ours = {name for name in headers if re.fullmatch("(x-)?request-id|server-timing|x-ccproxy-.*", name)}
    assert "server-timing" in ours
    assert ours <= operation["responses"]["200"]["headers"].keys()


async def test_its_examples_are_answered(demo: Backend) -> None:
    document = build_document(PLAIN)
    examples = list(body_examples(document))
    assert len(examples) > 20
    async with open_proxy(demo) as proxy:
        told = build_document(DEMO)
        assert (await proxy.get("/openapi.json")).json == told
        await proxy.settle()
        for path, name, schema, body in examples:
            jsonschema.validate(body, {**schema, "components": document["components"]})
            reply = await fetch(proxy.port, path, orjson.dumps(body))
            assert reply.status == 200, (path, name, reply.body)
            assert ("event-stream" in reply.headers["content-type"]) == body.get("stream", False)
            check_headers(told["paths"][path]["post"], reply.headers)
        for method, path, operation in operations(document):
            if method == "GET":
                asking = open_exchange(proxy.port, path.replace("{name}", "sonnet"), method="GET")
                async with asking as exchange:  # to the head, as there is one whose body has no end
                    assert await exchange.start() == 200, path
                    (kind,) = operation["responses"]["200"]["content"]
                    assert exchange.headers["content-type"].partition(";")[0] == kind
                    check_headers(told["paths"][path]["get"], exchange.headers)
