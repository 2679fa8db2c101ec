"""Who is let in over real HTTP: by which key, to which pages and models, and how many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import orjson
import pytest
import trio

from ccproxy_trio.server.access import OPEN_PATHS
from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.transport import crowd
from ccproxy_trio.settings import KeySettings, Settings, hash_key, new_key
from tests.raw_http import open_connection
from tests.server.chats import error_of
from tests.server.http_client import Reply, fetch, open_exchange
from tests.server.proxy import Backend, Proxy, body_of, open_proxy
from tests.server.transport.small_app import put_in_place

if TYPE_CHECKING:
    from pathlib import Path

KEY = new_key()
LIMITED = new_key()
EXPIRED = new_key()
ARGUMENTS = {"<path:name>": "claude-opus-5-5"}

MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]
BODIES = {
    "/v1/messages": {"max_tokens": 9, "messages": MESSAGES},
    "/v1/messages/count_tokens": {"messages": MESSAGES},
    "/v1/chat/completions": {"messages": MESSAGES},
    "/openai/v1/chat/completions": {"messages": MESSAGES},
    "/v1/responses": {"input": "Hello"},
    "/openai/v1/responses": {"input": "Hello"},
}
"""A request of each endpoint that answers by a model, but for the model."""


def keys(**limits: Any) -> dict[str, KeySettings]:
    """Three keys: without limits, with these, and one that is no longer valid."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    return {
        "ada": KeySettings(hash=hash_key(KEY), expires=yesterday + timedelta(days=2)),
        "limited": KeySettings(hash=hash_key(LIMITED), **limits),
        "old": KeySettings(hash=hash_key(EXPIRED), expires=yesterday),
    }


def bearing(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": "2023-06-01"}


async def ask(proxy: Proxy, path: str, model: str, key: str = LIMITED) -> Reply:
    return await proxy.post(orjson.dumps({"model": model, **BODIES[path]}), path, **{"x-api-key": key})


async def test_a_key_is_taken_in_either_way(demo: Backend) -> None:
    async with open_proxy(demo, server={"keys": keys()}) as proxy:
        for headers in (
            {"x-api-key": KEY},
            {"authorization": f"Bearer {KEY}"},
            {"authorization": f"bearer  {KEY}"},
            {"x-api-key": "unused", "authorization": f"Bearer {KEY}"},
            {"x-api-key": KEY, "authorization": "Basic x"},
        ):
            assert (await proxy.post(body_of("in"), **headers)).text == "Demo echo: in"


@pytest.mark.parametrize(
    ("headers", "said", "said_by_openai"),
    [
        ({}, "x-api-key header is required", "You didn't provide an API key."),
        ({"x-api-key": ""}, "x-api-key header is required", "You didn't provide an API key."),
        ({"authorization": f"Basic {KEY}"}, "x-api-key header is required", "You didn't provide an API key."),
        ({"authorization": f"Bearer{KEY}"}, "x-api-key header is required", "You didn't provide an API key."),
        ({"x-api-key": KEY[:-1]}, "invalid x-api-key", "Incorrect API key provided."),
        ({"x-api-key": hash_key(KEY)}, "invalid x-api-key", "Incorrect API key provided."),
        ({"authorization": f"Bearer {KEY}x"}, "invalid x-api-key", "Incorrect API key provided."),
        ({"x-api-key": EXPIRED}, "this key has expired", "this key has expired"),
        ({"authorization": f"Bearer {EXPIRED}"}, "this key has expired", "this key has expired"),
    ],
)
async def test_no_key_a_wrong_one_and_an_old_one(
    headers: dict[str, str], said: str, said_by_openai: str, demo: Backend
) -> None:
    async with open_proxy(demo, server={"keys": keys()}) as proxy:
        reply = await proxy.post(body_of("x"), **headers)
        assert reply.failure == (401, "authentication_error", said)
        assert reply.headers["www-authenticate"] == "Bearer"
        reply = await proxy.post(body_of("x"), "/v1/chat/completions", **headers)
        assert error_of(reply)[:4] == (401, "invalid_request_error", "invalid_api_key", None)
        assert error_of(reply)[4].startswith(said_by_openai)
        assert proxy.statistics.acquired == 0


async def test_every_page_but_the_watchers_needs_a_key(demo: Backend) -> None:
    no_pool: Any = Mock()
    rules = list(create_app(no_pool, Settings()).url_map.iter_rules())
    asked = [(method, rule.rule) for rule in rules for method in sorted(rule.methods or ())]
    assert {"/", "/pool/stats", "/v1/models", *BODIES} < {path for _, path in asked}
    async with open_proxy(demo, server={"keys": keys()}) as proxy:
        for method, path in [*asked, ("GET", "/nowhere"), ("PUT", "/v1/messages"), ("GET", "/healthz/")]:
            target = path.replace("<path:name>", "opus")
            for key, refused in (("", 401), (EXPIRED, 401), (KEY, 0)):
                asking = open_exchange(proxy.port, target, method=method, headers=bearing(key))
                async with asking as exchange:  # to the head, as there is one whose body has no end
                    status = await exchange.start()
                assert (status == 401) == (path not in OPEN_PATHS and bool(refused)), (method, path)


async def test_a_server_that_is_not_ready_tells_why_only_to_whom_it_knows(
    demo: Backend, tmp_path: Path
) -> None:
    cli = tmp_path / "claude"
    cli.write_text("#!/bin/sh\ncase $1 in --version) echo 9.9.9 ;; *) exit 3 ;; esac\n")
    cli.chmod(0o700)
    broken = Backend(demo.environ, str(cli))
    for known in ({}, keys()):
        async with open_proxy(broken, server={"keys": known}, pool={"acquire_timeout": 0.1}) as proxy:
            await proxy.until(lambda now: now.backoff_until is not None)
            for key in ("", "wrong", EXPIRED, KEY):
                reply = await fetch(proxy.port, "/readyz", method="GET", headers=bearing(key))
                assert (reply.status, reply.json["status"]) == (503, "not ready")
                assert ("reason" in reply.json) == (not known or key == KEY)


async def test_a_key_may_use_the_models_it_names(backend: Backend) -> None:
    claude = {"models": {"gpt-4*": "haiku", "old-opus": "opus"}}
    allowed = {"models": ("haiku", "claude-sonnet-*")}
    async with open_proxy(backend, claude=claude, server={"keys": keys(**allowed)}) as proxy:
        for model in ("haiku", "claude-haiku-5-5", "gpt-4o", "HAIKU", "sonnet", "claude-sonnet-5-5"):
            reply = await ask(proxy, "/v1/messages", model)
            assert reply.text == "Demo echo: Hello", model
        await proxy.settle()
        acquired = proxy.statistics.acquired
        for model in (
            "opus",
            "claude-opus-5-5",
            "old-opus",
            "OPUS",
            "claude-4",
            "haiku*",
            "*",
            "haiku,sonnet",
        ):
            for path in BODIES:
                reply = await ask(proxy, path, model)
                said = f"this key may not use the model: {model}"
                if "messages" in path:
                    assert reply.failure == (403, "permission_error", said)
                else:
                    assert error_of(reply)[::4] == (403, said)
            reply = await fetch(proxy.port, f"/v1/models/{model}", method="GET", headers=bearing(LIMITED))
            assert reply.status == (403 if "opus" in model.lower() else 404), model
        assert proxy.statistics.acquired == acquired
        assert (await ask(proxy, "/v1/messages", "opus", KEY)).text == "Demo echo: Hello"


@pytest.mark.parametrize(
    ("models", "listed"),
    [
        ((), ["claude-opus-5-5", "claude-fable-5-2", "claude-sonnet-5-5", "claude-haiku-5-5"]),
        (("haiku", "claude-opus-*"), ["claude-opus-5-5", "claude-haiku-5-5"]),
        (("gpt-4o",), ["claude-haiku-5-5"]),
        (("gpt-4*",), ["claude-haiku-5-5"]),
        (("nothing",), []),
    ],
)
async def test_a_key_sees_the_models_it_may_use(
    models: tuple[str, ...], listed: list[str], demo: Backend
) -> None:
    server = {"keys": keys(models=models)}
    async with open_proxy(demo, claude={"models": {"gpt-4*": "haiku"}}, server=server) as proxy:
        page = await fetch(proxy.port, "/v1/models", method="GET", headers=bearing(LIMITED))
        assert [model["id"] for model in page.json["data"]] == listed
        whole = await fetch(
            proxy.port, "/openai/v1/models", method="GET", headers={"authorization": f"Bearer {LIMITED}"}
        )
        assert [model["id"] for model in whole.json["data"]] == listed
        for model in listed:
            assert (await ask(proxy, "/v1/messages", model)).status == 200


@pytest.mark.parametrize("stream", [False, True], ids=["", "stream"])
async def test_a_request_is_under_way_until_its_answer_has_ended(demo: Backend, stream: bool) -> None:
    refusal = (429, "rate_limit_error", "this key may make no more than 1 request under way at the same time")
    async with open_proxy(demo, server={"keys": keys(concurrency=1)}) as proxy:
        headers = {"x-api-key": LIMITED}
        body = body_of("[[hang]]", stream=stream)
        async with open_exchange(proxy.port, "/v1/messages", body, headers=headers) as exchange:
            if stream:
                await exchange.until("message_start")
            else:
                await proxy.until(lambda now: now.in_use == 1)
            for path in BODIES:
                reply = await ask(proxy, path, "haiku")
                assert (reply.status, reply.headers["retry-after"]) == (429, "1")
            assert (await proxy.post(body_of("x"), **headers)).failure == refusal
            # Neither an operator's page nor another key is in the way.
            assert (await fetch(proxy.port, "/pool/stats", method="GET", headers=headers)).status == 200
            assert (await proxy.post(body_of("x"), **{"x-api-key": KEY})).status == 200
        await proxy.settle()
        # However one ended, the next is let in.
        for prompt in ("ends", "[[die=before_first]]", "[[status=400]]", "ends"):
            with trio.fail_after(20):
                reply = await proxy.post(body_of(prompt, stream=stream), **headers)
                while reply.status == 429:  # the end of one is known here a moment before it is known there
                    await trio.sleep(0.01)
                    reply = await proxy.post(body_of(prompt, stream=stream), **headers)
            assert reply.status in {200, 400, 502}


async def test_a_minutes_requests(demo: Backend) -> None:
    async with open_proxy(demo, server={"keys": keys(requests_per_minute=2)}) as proxy:
        for status in (400, 400, 429):
            reply = await proxy.post(b"{}", "/v1/chat/completions", authorization=f"Bearer {LIMITED}")
            assert reply.status == status
        assert error_of(reply)[1:3] == ("rate_limit_error", "rate_limit_exceeded")
        assert 0 < int(reply.headers["retry-after"]) <= 30
        assert (await ask(proxy, "/v1/messages", "haiku", KEY)).status == 200


async def test_who_has_no_key_and_takes_answers_slowly_keeps_nobody_out(
    demo: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_place(monkeypatch, repaired=True, max_connections=2)
    monkeypatch.setattr(crowd, "IDLE_ENOUGH", 0.0)
    async with open_proxy(demo, server={"keys": keys()}) as proxy:
        for path in ("/dashboard", "/nowhere"):
            async with (
                open_connection(proxy.port, receive_buffer=2048) as one,
                open_connection(proxy.port, receive_buffer=2048) as other,
            ):
                for stranger in (one, other):
                    await stranger.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * 1500)
                    await stranger.read_answer(to_head=True)
                await trio.sleep(0.1)  # until there is more to be sent than they take
                for _ in range(3):
                    async with open_connection(proxy.port) as client:
                        await client.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                        assert (await client.read_answer()).status == 200


async def test_nothing_of_a_key_is_told_or_logged(demo: Backend, caplog: pytest.LogCaptureFixture) -> None:
    wrong = new_key()
    with caplog.at_level("DEBUG"):
        async with open_proxy(demo, server={"keys": keys(models=("haiku",))}) as proxy:
            told = [
                *[
                    await ask(proxy, path, "opus", key)
                    for path in BODIES
                    for key in (KEY, LIMITED, EXPIRED, wrong)
                ],
                await ask(proxy, "/v1/messages", "[[die=before_first]]", KEY),
            ]
    said = caplog.text + "".join(f"{reply.headers} {reply.body!r}" for reply in told)
    for key in (KEY, LIMITED, EXPIRED, wrong):
        assert key not in said
        assert hash_key(key).removeprefix("sha256:") not in said
