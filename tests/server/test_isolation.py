"""Nothing of one request is in another's: random requests on few instances, and every body that went upstream.

Some are answered, some end at a call of a tool, some fail, some are left by their client; whatever happens, the model
is given exactly what the one request asked for, and nobody is answered twice.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from random import Random
from typing import TYPE_CHECKING

import orjson
import pytest
import trio

from ccproxy_trio.pool import RetireReason
from tests.server.carried import check_body
from tests.server.proxy import Backend, Proxy, open_proxy
from tests.server.random_requests import Asked, draw

if TYPE_CHECKING:
    from collections.abc import Iterator


async def carry_out(proxy: Proxy, asked: Asked, leave_after: float) -> None:
    with trio.move_on_after(leave_after if asked.status is None else math.inf):
        reply = await proxy.post(orjson.dumps(asked.fields))
    if asked.status is None:
        return
    if asked.status == 200:
        assert reply.status == 200, (asked, reply)
        if asked.end == "[[dump]]":
            check_body(json.loads(reply.text), asked.fields)
        elif "tool=" in asked.end:
            assert b'"tool_use"' in reply.body
    else:
        told, kind, _ = reply.failure
        assert (told, kind) in {(asked.status, kind), (200, kind)}
        assert kind in {"rate_limit_error", "overloaded_error"}


async def carry_out_all(proxy: Proxy, all_asked: list[Asked], random: Random) -> None:
    """Six at a time."""
    remaining = iter(all_asked)

    async def work(remaining: Iterator[Asked]) -> None:
        for asked in remaining:
            await carry_out(proxy, asked, random.random() * 0.1)

    async with trio.open_nursery() as nursery:
        for _ in range(6):
            nursery.start_soon(work, remaining)
    statistics = await proxy.settle()
    # Every conversation was rewound, whatever became of it: instances end only to make room for another prompt.
    assert statistics.last_error is None
    assert statistics.created == 3 + statistics.retired[RetireReason.UNFIT]


@pytest.mark.cli
async def test_over_the_real_cli(cli: Backend) -> None:
    await check_upstream(cli, Random(5), 70)


async def check_upstream(cli: Backend, random: Random, count: int) -> None:
    """So many requests, and of each exactly one body upstream, which is its own."""
    all_asked = [draw(random, number) for number in range(count)]
    async with open_proxy(cli, pool={"min_size": 3, "max_size": 3}) as proxy:
        await carry_out_all(proxy, all_asked, random)
        received: Counter[int] = Counter()
        for request in proxy.upstream:
            number = int(json.dumps(request.body["messages"][-1]).rpartition("canary-")[2][:6])
            check_body(request.body, all_asked[number].fields)
            received[number] += 1
        assert set(received.values()) == {1}
        stayed = {number for number, asked in enumerate(all_asked) if asked.status is not None}
        assert stayed <= set(received)


async def test_over_the_stand_in(demo: Backend) -> None:
    random = Random(6)
    async with open_proxy(demo, pool={"min_size": 3, "max_size": 3}) as proxy:
        await carry_out_all(proxy, [draw(random, number) for number in range(500)], random)
