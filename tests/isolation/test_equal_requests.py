"""Callers whose texts are equal: each has a conversation of its own, one after the other and at the same time."""

from __future__ import annotations

import json
from typing import Any

import orjson
import trio

from tests.isolation.run import KEYRING, KEYS
from tests.server.carried import check_body
from tests.server.conversations import assistant, user
from tests.server.http_client import open_exchange
from tests.server.proxy import Backend, Proxy, eventually, open_proxy

PROMPT = "Who am I? [[dump; gap=0.01]]"
FIRST: dict[str, Any] = {
    "model": "sonnet",
    "max_tokens": 1000,
    "system": "Be brief.",
    "metadata": {"user_id": "the same"},
    "messages": [user("I am the same."), assistant("So you are."), user(PROMPT)],
}


async def ask(proxy: Proxy, fields: dict[str, Any], caller: int) -> str:
    """Check that the model was given this alone; return the answer's id."""
    reply = await proxy.post(orjson.dumps(fields), **{"x-api-key": KEYS[caller % 2]})
    assert reply.status == 200, reply
    check_body(json.loads(reply.text), fields)
    message = reply.events[0]["message"] if fields.get("stream") else reply.json
    return str(message["id"])


def check_upstream(proxy: Proxy, asked: list[dict[str, Any]]) -> None:
    assert proxy.api is None or len(proxy.upstream) == len(asked)
    for request, fields in zip(proxy.upstream, asked, strict=False):
        check_body(request.body, fields)


async def test_at_the_same_time(backend: Backend) -> None:
    async with open_proxy(backend, pool={"min_size": 2, "max_size": 2}, server={"keys": KEYRING}) as proxy:
        ids = []

        async def come(caller: int) -> None:
            ids.append(await ask(proxy, {**FIRST, "stream": caller % 3 == 0}, caller))

        async with trio.open_nursery() as nursery:
            for caller in range(12):
                nursery.start_soon(come, caller)
        assert len(set(ids)) == 12
        check_upstream(proxy, [FIRST] * 12)
        assert (await proxy.settle()).created == 2


async def test_one_after_the_other(backend: Backend) -> None:
    """A history that is what another has said and heard is no conversation of theirs to be gone on with."""
    second = {**FIRST, "messages": [*FIRST["messages"], assistant("You are the same."), user(PROMPT)]}
    shorter = {**FIRST, "messages": FIRST["messages"][2:]}
    asked = [FIRST, FIRST, second, FIRST, shorter, second, second]
    async with open_proxy(backend, pool={"max_size": 1}, server={"keys": KEYRING}) as proxy:
        ids = [await ask(proxy, fields, caller) for caller, fields in enumerate(asked)]
        assert len(set(ids)) == len(asked)
        check_upstream(proxy, asked)
        assert (await proxy.settle()).created == 1


async def test_the_first_of_them_has_left(backend: Backend) -> None:
    slow = {
        **FIRST,
        "messages": [*FIRST["messages"][:2], user("Who am I? [[deltas=2000; gap=0.02]]")],
        "stream": True,
    }
    async with open_proxy(backend, pool={"max_size": 1}, server={"keys": KEYRING}) as proxy:
        for kind in ("message_start", "content_block_delta"):
            headers = {"x-api-key": KEYS[0]}
            async with open_exchange(proxy.port, "/v1/messages", orjson.dumps(slow), headers=headers) as left:
                await left.until(kind)
            await ask(proxy, FIRST, 1)
        if proxy.api is not None:
            check_upstream(proxy, [slow, FIRST] * 2)
            upstream = proxy.upstream
            await eventually(lambda: [one.outcome for one in upstream][::2] == ["client_gone"] * 2)
        assert (await proxy.settle()).created == 1
