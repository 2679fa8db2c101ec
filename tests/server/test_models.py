"""GET /v1/models over both backends: the CLI's own list, in pages, and each model under all its names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.claude import instance
from tests.server.http_client import fetch
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from tests.server.http_client import Reply
    from tests.server.proxy import Proxy

OPUS, FABLE, SONNET, HAIKU = "claude-opus-5-5", "claude-fable-5-2", "claude-sonnet-5-5", "claude-haiku-5-5"
LISTED = {
    OPUS: "Claude Opus 5.5",
    FABLE: "Claude Fable 5.2",
    SONNET: "Claude Sonnet 5.5",
    HAIKU: "Claude Haiku 5.5",
}
NAMES = {"gpt-4": "opus", "gpt-3*": "haiku", "old": "claude-opus-4-1"}


async def listed(proxy: Proxy, query: str = "") -> tuple[list[str], bool]:
    """The ids of a page, and whether there are more."""
    reply = await proxy.get(f"/v1/models{query}")
    assert reply.status == 200, reply
    page = reply.json
    ids = [model["id"] for model in page["data"]]
    assert (page["first_id"], page["last_id"]) == ((ids[0], ids[-1]) if ids else (None, None))
    return ids, page["has_more"]


async def test_the_list_is_the_clis_own(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        reply = await proxy.get("/v1/models")
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.headers["request-id"].startswith("req_")
        assert [model["id"] for model in reply.json["data"]] == list(LISTED)
        assert {model["id"]: model["display_name"] for model in reply.json["data"]} == LISTED
        assert reply.json["data"][0] == {
            "type": "model",
            "id": OPUS,
            "display_name": "Claude Opus 5.5",
            "created_at": "1970-01-01T00:00:00Z",
            "lifecycle": "active",
            "line": "opus",
            "capabilities": None,
            "max_input_tokens": None,
            "max_tokens": None,
            "deprecated_at": None,
            "retires_at": None,
        }
        assert (await proxy.get("/v1/models", method="HEAD")).status == 200
        assert proxy.statistics.acquired == 1  # it is asked for once
        assert proxy.api is None or proxy.api.requests == []
        assert (await proxy.ask("and then")).text == "Demo echo: and then"
        assert (await proxy.settle()).created == 1


async def test_pages(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        assert await listed(proxy, "?limit=3") == ([OPUS, FABLE, SONNET], True)
        assert await listed(proxy, f"?limit=3&after_id={SONNET}") == ([HAIKU], False)
        assert await listed(proxy, f"?limit=1&before_id={HAIKU}") == ([SONNET], True)
        assert await listed(proxy, "?limit=1&after_id=opus&before_id=haiku") == ([FABLE], True)
        assert await listed(proxy, "?lifecycle[]=active&lifecycle%5B%5D=retired") == (
            list(LISTED),
            False,
        )
        assert await listed(proxy, "?lifecycle[]=deprecated") == ([], False)
        assert await listed(proxy, "?beta=true&limit=1000") == (list(LISTED), False)


async def test_a_model_by_any_name(backend: Backend) -> None:
    async with open_proxy(backend, claude={"models": NAMES}) as proxy:
        found = {}
        for name in (OPUS, "opus", "default", "opus[1m]", "OPUS", "gpt-4", "gpt-3.5", "old"):
            reply = await proxy.get(f"/v1/models/{name}")
            assert reply.status == 200, name
            found[name] = (reply.json["id"], reply.json["display_name"], reply.json["line"])
        opus = (OPUS, "Claude Opus 5.5", "opus")
        assert found.pop("gpt-3.5") == (HAIKU, "Claude Haiku 5.5", "haiku")
        assert found.pop("old") == ("claude-opus-4-1", "claude-opus-4-1", None)
        assert found == dict.fromkeys(found, opus)
        for name in ("claude-nonsense-1", "anthropic/claude-opus-5-5", "gpt-5"):
            assert (await proxy.get(f"/v1/models/{name}")).failure == (
                404,
                "not_found_error",
                f"model: {name}",
            )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=0", "limit: Input should be greater than or equal to 1"),
        ("limit=1001", "limit: Input should be less than or equal to 1000"),
        ("limit=x", "limit: Input should be a valid integer, unable to parse string as an integer"),
        ("lifecycle[]=new", "lifecycle.0: Input should be 'active', 'deprecated' or 'retired'"),
        ("after_id=nobody", "after_id: no such model: nobody"),
        ("before_id=", "before_id: no such model: \"\""),
    ],
)  # fmt: skip
async def test_a_bad_query(demo: Backend, query: str, message: str) -> None:
    async with open_proxy(demo) as proxy:
        assert (await proxy.get(f"/v1/models?{query}")).failure == (400, "invalid_request_error", message)


async def test_another_method(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for path in ("/v1/models", "/v1/models/opus"):
            reply = await fetch(proxy.port, path, b"{}")
            assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_a_model_that_somebody_asked_is_told_to_nobody_else(backend: Backend) -> None:
    async with open_proxy(backend, pool={"max_size": 1}) as proxy:
        await proxy.ask("x", model="secret-7")
        assert (await listed(proxy))[0] == list(LISTED)
        assert (await proxy.settle()).created == 1


async def test_clients_of_openai_get_its_shape(backend: Backend) -> None:
    async with open_proxy(backend, claude={"models": NAMES}) as proxy:
        for path in ("/v1/models", "/openai/v1/models"):
            reply = await fetch(proxy.port, path, method="GET")
            assert reply.headers["x-request-id"].startswith("req_")
            assert reply.json["object"] == "list"
            assert [model["id"] for model in reply.json["data"]] == list(LISTED)
        found = await fetch(proxy.port, "/v1/models/gpt-4", method="GET")
        assert found.json == {"id": OPUS, "object": "model", "created": 0, "owned_by": "anthropic"}
        missing = await fetch(proxy.port, "/v1/models/none", method="GET")
        assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")
        assert (await proxy.get("/openai/v1/models")).json["object"] == "list"


async def test_betas_have_no_effect(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:

        async def ignored(**headers: str) -> str | None:
            reply: Reply = await fetch(
                proxy.port,
                "/v1/models/opus",
                method="GET",
                headers={"anthropic-version": "2023-06-01", **headers},
            )
            return reply.headers.get("x-ccproxy-ignored")

        assert await ignored() is None
        assert await ignored(**{"anthropic-beta": "some-beta"}) == "anthropic-beta"


async def test_nonsense_instead_of_a_list(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = instance.parse_models
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        with monkeypatch.context() as broken:
            broken.setattr(instance, "parse_models", lambda _: parse({"models": []}))
            reply = await proxy.get("/v1/models")
        assert reply.failure == (502, "api_error", "the claude process listed no models")
        assert (await listed(proxy, "?limit=1"))[0] == [OPUS]
        assert (await proxy.settle()).created == 2


async def test_no_cli_that_can_be_started(demo: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_proxy(
        demo, pool={"min_size": 0, "warmup_on_startup": False, "acquire_timeout": 0.3}
    ) as proxy:
        monkeypatch.setattr("ccproxy_trio.claude.launcher.open_instance", refuse)
        for path in ("/v1/models", "/v1/models/opus"):
            status, kind, message = (await proxy.get(path)).failure
            assert (status, kind) == (529, "overloaded_error")
            assert "no luck" in message


def refuse(*_: object) -> None:
    raise OSError("no luck")
