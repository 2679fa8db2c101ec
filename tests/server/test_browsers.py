"""What a web page in a browser can make of the server: nothing, unless its origin is listed."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import orjson
import pytest

from ccproxy_trio.server.app import create_app
from ccproxy_trio.settings import KeySettings, ServerSettings, Settings, hash_key
from tests.asgi_client import open_request
from tests.server.http_client import Reply, fetch
from tests.server.proxy import Backend, Proxy, body_of, open_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

ORIGIN = "https://app.example.com"
KEYS = {"ada": KeySettings(hash=hash_key("secret"))}
NOT_OURS = (
    403,
    "permission_error",
    "the request's Host is not this server's; server.allowed_hosts may list it",
)
NOT_LISTED = (
    403,
    "permission_error",
    "web pages of this Origin may not call; server.allowed_origins may list it",
)
STRANGER = (
    403,
    "permission_error",
    "without keys (server.keys) this server answers programs of its own machine only",
)


async def ask(proxy: Proxy, **headers: str) -> Reply:
    return await proxy.post(body_of("hi"), **headers)


async def test_a_page_whose_name_became_loopback(demo: Backend) -> None:
    for server, hosts in (
        ({}, ("localhost", "127.0.0.1:8000", "[::1]")),
        ({"allow_anyone": True, "host": "Ai.Home"}, ("localhost", "ai.home:80", "192.0.2.1")),
        ({"allowed_hosts": ("proxy",)}, ("localhost", "proxy:80")),
    ):
        async with open_proxy(demo, server=server) as proxy:
            for host in hosts:
                assert (await ask(proxy, host=host)).status == 200
            for path in ("/v1/messages", "/healthz", "/pool/stats", "/nowhere"):
                for host in ("evil.example", "evil.example:8000", "localhost.evil.example"):
                    reply = await proxy.post(body_of("hi"), path, host=host)
                    assert reply.failure == NOT_OURS


async def test_a_host_that_is_none(demo: Backend) -> None:
    """The server's own name ends with one dot at most; no name has an empty part, or a very long one."""
    hosts = ("localhost..", ".", "a..b", "a" * 64, "xn--", "[::", "a b")
    async with open_proxy(demo) as proxy:
        for host in hosts:
            assert (await ask(proxy, host=host)).failure == NOT_OURS
    async with open_proxy(demo, server={"keys": KEYS}) as proxy:
        for host in hosts:
            assert (await ask(proxy, host=host)).status == 401
            assert (await ask(proxy, host=host, **{"x-api-key": "secret"})).status == 200


async def test_with_keys_a_host_is_checked_only_where_some_are_listed(demo: Backend) -> None:
    async with open_proxy(demo, server={"keys": KEYS}) as proxy:
        assert (await ask(proxy, host="any.example", **{"x-api-key": "secret"})).status == 200
    async with open_proxy(demo, server={"keys": KEYS, "allowed_hosts": ("ai.example",)}) as proxy:
        assert (await ask(proxy, host="ai.example", **{"x-api-key": "secret"})).status == 200
        assert (await ask(proxy, host="any.example", **{"x-api-key": "secret"})).failure == NOT_OURS


async def test_by_default_no_page_may_call(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for origin in (
            ORIGIN,
            "null",
            "http://localhost:8000",
            "http://127.0.0.1",
            "",
            "chrome-extension://x",
        ):
            for content in ("application/json", "text/plain"):  # a page can send the second unasked
                reply = await ask(proxy, origin=origin, **{"content-type": content})
                assert reply.failure == NOT_LISTED
                assert not [name for name in reply.headers if name.startswith("access-control")]
        for path in ("/v1/messages", "/healthz", "/pool/stats", "/nowhere"):
            headers = {"origin": ORIGIN, "access-control-request-method": "POST"}
            preflight = await fetch(proxy.port, path, method="OPTIONS", headers=headers)
            assert preflight.status == 403
            assert not [name for name in preflight.headers if name.startswith("access-control")]
        assert proxy.statistics.acquired == 0


@pytest.mark.parametrize("keys", [{}, KEYS], ids=["", "keys"])
async def test_pages_of_a_listed_origin_may(keys: Mapping[str, KeySettings], demo: Backend) -> None:
    server: dict[str, Any] = {"allowed_origins": (ORIGIN, "https://b.example"), "keys": keys}
    async with open_proxy(demo, server=server) as proxy:
        asked = {
            "origin": ORIGIN,
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type,x-api-key",
        }
        for path in ("/v1/messages", "/openai/v1/chat/completions", "/v1/models", "/nowhere"):
            preflight = await fetch(proxy.port, path, method="OPTIONS", headers=asked)
            assert (preflight.status, preflight.body) == (204, b"")
            assert preflight.headers["access-control-allow-origin"] == ORIGIN
            assert preflight.headers["access-control-allow-methods"] == "POST"
            assert preflight.headers["access-control-allow-headers"] == "content-type,x-api-key"
            assert preflight.headers["access-control-max-age"] == "600"
        key = {"x-api-key": "secret"}
        for reply, status in (
            (await ask(proxy, origin=ORIGIN, **key), 200),
            (await proxy.post(body_of("hi", stream=True), origin=ORIGIN, **key), 200),
            (await proxy.post(b"{}", origin=ORIGIN, **key), 400),
            (await ask(proxy, origin=ORIGIN), 401 if keys else 200),
        ):
            assert reply.status == status
            assert reply.headers["access-control-allow-origin"] == ORIGIN
            assert "request-id" in reply.headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in reply.headers
            assert reply.headers["vary"] == "Origin"
        for origin in (
            "https://app.example.com.evil.example",
            "http://app.example.com",
            f"{ORIGIN}:444",
            "null",
        ):
            reply = await ask(proxy, origin=origin, **key)
            assert reply.failure == NOT_LISTED
            assert "access-control-allow-origin" not in reply.headers
        assert (await ask(proxy, **key)).headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("peer", "settings", "let_in"),
    [
        (("127.0.0.1", 1), {}, True),
        (("::1", 1), {}, True),
        (("::ffff:127.0.0.1", 1), {}, True),
        (None, {}, True),  # of a Unix socket
        (("192.0.2.1", 1), {}, False),
        (("::ffff:192.0.2.1", 1), {}, False),
        (("192.0.2.1", 1), {"allow_anyone": True}, True),
        (("192.0.2.1", 1), {"keys": KEYS}, True),
    ],
)
async def test_without_keys_only_this_machine_is_answered(
    peer: tuple[str, int] | None, settings: dict[str, Any], let_in: bool, caplog: pytest.LogCaptureFixture
) -> None:
    unasked: Any = SimpleNamespace(cli=SimpleNamespace(demo=False), pool=Mock())
    app = create_app(unasked, Settings(server=ServerSettings(**settings)))

    async def from_peer(scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
        await app({**scope, "client": peer, "headers": headers}, receive, send)  # type: ignore[arg-type] # Quart's narrower ASGI types

    for _ in range(3):
        async with open_request(from_peer, "GET", "/healthz") as conversation:
            assert await conversation.start() == (200 if let_in else 403)
            said = orjson.loads(await conversation.read())
            if not let_in:
                assert (403, said["error"]["type"], said["error"]["message"]) == STRANGER
    warned = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warned) == (0 if let_in else 1)
