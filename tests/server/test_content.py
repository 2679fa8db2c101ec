"""Every type of content block, asked and in the history: the API is given what the client wrote, byte for byte.

`carried` is the written list of what is made of it on the way.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

import pytest

from ccproxy_trio.dialects.anthropic.blocks import KINDS
from tests.server.carried import carry
from tests.server.conversations import assistant, user
from tests.server.proxy import Backend, open_proxy

pytestmark = pytest.mark.cli

Block = dict[str, Any]


def png(width: int, height: int) -> str:
    """A PNG, all black, as base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * height))
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"".join(parts)).decode()


def text(words: str, **keys: Any) -> Block:
    return {"type": "text", "text": words, **keys}


def result(content: Any, **keys: Any) -> Block:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content, **keys}


MARK = {"type": "ephemeral"}
LONG = {"type": "ephemeral", "ttl": "1h"}
PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%%EOF\n").decode()
GIF = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
CALL: Block = {
    "type": "tool_use",
    "id": "toolu_1",
    "name": "look",
    "input": {"b": [1, 2.5, None], "a": {"日": "x"}},
}
IMAGE: Block = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": png(3, 2)}}
LINK: Block = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
PAGE: Block = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "one\r\ntwo"},
}
FOUND: Block = {"type": "search_result", "source": "https://a", "title": "A", "content": [text("found")]}
SEARCH: Block = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}}
SERVER_RESULTS = tuple(sorted(kind for kind in KINDS if kind.endswith("_tool_result")))
CITED = {
    "type": "web_search_result_location",
    "url": "https://a",
    "title": None,
    "encrypted_index": "eA==",
    "cited_text": "a",
}

ASKED: tuple[Block, ...] = (
    text("\t led and followed by space \r\n\r\n"),
    text("x", cache_control=MARK, citations=None),
    text("x", cache_control=LONG),
    text("x", cache_control=None),
    IMAGE,
    {**IMAGE, "source": {**IMAGE["source"], "data": png(2000, 1800)}},
    {"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": GIF}},
    LINK,
    {**LINK, "cache_control": LONG},
    PAGE,
    {**PAGE, "title": "T", "context": "C", "citations": {"enabled": True}, "cache_control": LONG},
    {**PAGE, "title": None, "context": None, "citations": None, "cache_control": None},
    {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}},
    {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
    {"type": "document", "source": {"type": "content", "content": "plain"}},
    {"type": "document", "source": {"type": "content", "content": [text("a"), IMAGE, LINK]}},
    FOUND,
    {**FOUND, "citations": {"enabled": True}, "cache_control": LONG},
)
"""In a message of the user's."""

RESULTS: tuple[Block, ...] = (
    {"type": "tool_result", "tool_use_id": "toolu_1"},
    result(""),
    result("  blank \n"),
    result([]),
    result("plain", is_error=False),
    result("failed", is_error=True, cache_control=LONG),
    result([text("a", cache_control=LONG), text("b")], is_error=True),
    result([text("a"), IMAGE, {**IMAGE, "cache_control": LONG}, LINK, PAGE, FOUND]),
    result([{**IMAGE, "source": {**IMAGE["source"], "data": png(4000, 10)}}]),
)

SAID: tuple[tuple[Block, ...], ...] = (
    (text(" a \n"), text("b", cache_control=LONG), text("c", citations=[CITED])),
    ({"type": "thinking", "thinking": "hm", "signature": "c2ln+/=="}, text("a")),
    (
        {"type": "thinking", "thinking": "", "signature": ""},
        {"type": "redacted_thinking", "data": "eA=="},
        text("a"),
    ),
    (text("a"), {"type": "thinking", "thinking": "hm\n", "signature": "c2ln"}),
    *(
        (
            SEARCH,
            {"type": kind, "tool_use_id": "srvtoolu_1", "content": [{"type": "x", "y": None}]},
            text("a"),
        )
        for kind in SERVER_RESULTS
    ),
)
"""What the assistant said."""


def test_every_type_is_here() -> None:
    blocks = [*ASKED, *RESULTS, CALL, *(block for blocks in SAID for block in blocks)]
    assert {block["type"] for block in blocks} == KINDS.keys()


async def test_blocks_of_the_user(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for block in ASKED:
            await carry(proxy, [{"role": "user", "content": [block]}])
            message = {"role": "user", "content": [text("before"), block, text("after")]}
            await carry(proxy, [message, assistant("well"), message, assistant("well"), message])
        await carry(proxy, [{"role": "user", "content": list(ASKED[4:])}])
        assert (await proxy.settle()).created == 1


async def test_results_of_tools(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for block in RESULTS:
            called = [user("look"), {"role": "assistant", "content": [text("hm"), CALL]}]
            told = {"role": "user", "content": [block]}
            await carry(proxy, [*called, told])
            after = {"role": "user", "content": [block, text("and?")]}
            await carry(proxy, [*called, after, assistant("well"), user("[[dump]]")])
        assert (await proxy.settle()).created == 1


async def test_blocks_of_the_assistant(cli: Backend) -> None:
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        for blocks in SAID:
            said = {"role": "assistant", "content": list(blocks)}
            for model in ("sonnet", "claude-sonnet-4-5"):
                await carry(proxy, [user("one"), said, user("two"), said, user("three")], model=model)
        assert (await proxy.settle()).created == 1


@pytest.mark.parametrize(
    ("model", "kept", "shrunk"), [("sonnet", 1932, 1960), ("claude-sonnet-4-5", 2000, 2001)]
)
async def test_images_that_the_cli_shrinks(cli: Backend, model: str, kept: int, shrunk: int) -> None:
    """Beyond a size that depends on the model it sends a smaller one, and says so; inside of a result it does not."""
    small, large = (
        {**IMAGE, "source": {**IMAGE["source"], "data": png(side, side)}} for side in (kept, shrunk)
    )
    async with open_proxy(cli, pool={"max_size": 1}) as proxy:
        await carry(proxy, [{"role": "user", "content": [text("x"), small]}], model=model)
        called = [user("look"), {"role": "assistant", "content": [CALL]}]
        await carry(proxy, [*called, {"role": "user", "content": [result([large])]}], model=model)
        assert (await proxy.ask([{"role": "user", "content": [text("x"), large]}], model=model)).status == 200
        before, image, after = proxy.upstream[-1].body["messages"][0]["content"]
        assert before == text("x")
        assert image != large
        assert after["text"].startswith(f"[Image: original {shrunk}x{shrunk}, displayed at {kept}x{kept}. ")
