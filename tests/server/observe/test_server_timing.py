"""Every response tells how long its stages took, in the header that browsers and proxies read."""

from __future__ import annotations

import re

import pytest

from tests.server.asking import ENDPOINTS, Endpoint
from tests.server.http_client import fetch
from tests.server.proxy import Backend, open_proxy

BEFORE = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]


def stages(value: str) -> list[str]:
    """The names in a header, of which the last is the whole, and the others no more than that together."""
    metrics = [re.fullmatch(r"([a-z]+);dur=(\d+\.\d)", each) for each in value.split(", ")]
    names = [metric[1] for metric in metrics if metric]
    times = [float(metric[2]) for metric in metrics if metric]
    assert len(names) == len(metrics)
    assert names.pop() == "total"
    assert sum(times[:-1]) <= times[-1] + 0.1 * len(times)
    return names


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.path)
async def test_of_answers(demo: Backend, endpoint: Endpoint) -> None:
    async with open_proxy(demo) as proxy:
        for stream in endpoint.ways:
            reply = await fetch(proxy.port, endpoint.path, endpoint.body("hello", stream=stream, history=2))
            told = stages(reply.headers["server-timing"])
            if endpoint.path.endswith("count_tokens"):
                assert told == ["queue", "turn"]
            else:
                relay = [] if stream else ["relay"]
                assert told == ["queue", "prepare", "history", "turn", *relay]


async def test_of_what_is_refused_and_what_fails(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for reply in (await proxy.get("/nothing"), await proxy.get("/healthz"), await proxy.post(b"{}")):
            assert stages(reply.headers["server-timing"]) == []
        failed = await proxy.ask([*BEFORE, {"role": "user", "content": "[[status=500]]"}])
        assert stages(failed.headers["server-timing"]) == ["queue", "prepare", "history", "turn"]
