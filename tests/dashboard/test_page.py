"""The page as it is sent: to whom, with which rules for the browser, and with nothing from elsewhere in it."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.server import dashboard
from ccproxy_trio.server.dashboard.page import build_page
from ccproxy_trio.settings import KeySettings, hash_key, new_key
from tests.server.http_client import fetch
from tests.server.proxy import open_proxy

if TYPE_CHECKING:
    from tests.server.proxy import Backend

OF_A_BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
MOST_BYTES = 64 * 1024


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("path", "accept", "html"),
    [
        ("/", OF_A_BROWSER, True),
        ("/", "text/html", True),
        ("/", "text/html;q=0.4, application/json;q=0.5", False),
        ("/", "application/json", False),
        ("/", "*/*", False),
        ("/", None, False),
        ("/", "image/png", False),
        ("/", "text/html" + ", a/b" * 200, False),
        ("/dashboard", "application/json", True),
        ("/dashboard", None, True),
    ],
)
async def test_who_gets_it(demo: Backend, method: str, path: str, accept: str | None, html: bool) -> None:
    headers = {} if accept is None else {"accept": accept}
    async with open_proxy(demo, server={"keys": {"ada": KeySettings(hash=hash_key("a"))}}) as proxy:
        without = await fetch(proxy.port, path, method=method, headers=headers)
        assert without.status == (200 if html else 401)
        reply = await fetch(proxy.port, path, method=method, headers={**headers, "x-api-key": "a"})
    assert reply.status == 200
    assert reply.headers["vary"] == "accept"
    kind = "text/html; charset=utf-8" if html else "application/json"
    assert reply.headers["content-type"] == kind
    if method == "HEAD":
        assert reply.body == b""
    elif html:
        assert without.body == reply.body == build_page().body
    else:
        assert reply.json == {"name": "ccproxy_trio", "demo": True}


async def test_what_the_browser_is_told(demo: Backend) -> None:
    key = new_key()
    async with open_proxy(demo, server={"keys": {"name-of-ada": KeySettings(hash=hash_key(key))}}) as proxy:
        reply = await fetch(proxy.port, "/dashboard", method="GET")
    page = reply.body.decode()
    rules = dict(rule.partition(" ")[::2] for rule in reply.headers["content-security-policy"].split("; "))
    blocks = {kind: re.findall(f"<{kind}>(.*?)</{kind}>", page, re.DOTALL) for kind in ("script", "style")}
    for kind, texts in blocks.items():
        hashes = [f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" for text in texts]
        assert rules.pop(f"{kind}-src").split() == hashes
        assert hashes
    assert rules == {
        "default-src": "'none'",
        "connect-src": "'self'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-cache"
    assert "name-of-ada" not in page
    assert key not in page


def test_it_is_whole_and_small() -> None:
    page = build_page().body.decode()
    assert len(page) < MOST_BYTES
    addresses = set(re.findall(r"https?://[^'\"\s]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}  # A name, and nothing that is fetched.
    assert not re.search(r"<script[^>]|<link rel=\"stylesheet|@import|url\(|srcset|<img|<iframe", page)
    for sign in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "Function(",
        " style=",
    ):
        assert sign not in page, sign


def test_each_file_is_in_it() -> None:
    folder = files(dashboard) / "page"
    page = build_page().body.decode()
    names = {file.name for file in folder.iterdir()} - {"index.html"}
    assert len(names) > 5
    for name in names:
        assert (folder / name).read_text(encoding="utf-8") in page, name
