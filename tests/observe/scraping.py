"""A server that is asked in every way, and what it then tells Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from prometheus_client.parser import text_string_to_metric_families

from tests.server.http_client import fetch
from tests.server.proxy import Proxy, body_of

if TYPE_CHECKING:
    from prometheus_client import Metric

CHAT = b'{"model": "opus", "messages": [{"role": "user", "content": "hello"}]}'
HISTORY = [
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"role": "user", "content": "three"},
]
CACHED = '[[usage={"cache_read_input_tokens": 30, "cache_creation_input_tokens": 40}]] hello'


@frozen
class Scrape:
    """One answer of `/metrics`."""

    text: str
    families: dict[str, Metric]

    def value(self, name: str, **labels: str) -> float:
        """The sum of the samples of this name that have these labels; an error if there is none."""
        found = [
            sample.value
            for family in self.families.values()
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        assert found, f"no {name} {labels} in\n{self.text}"
        return sum(found)

    def labels(self) -> dict[str, set[str]]:
        """The labels of each name of a sample."""
        told: dict[str, set[str]] = {}
        for family in self.families.values():
            for sample in family.samples:
                told.setdefault(sample.name, set()).update(sample.labels)
        return told


async def scrape(proxy: Proxy, **headers: str) -> Scrape:
    """Ask as Prometheus does, in the older format."""
    reply = await fetch(proxy.port, "/metrics", method="GET", headers=headers)
    assert reply.status == 200, reply
    assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    text = reply.body.decode()
    return Scrape(text, {each.name: each for each in text_string_to_metric_families(text)})


async def ask_in_every_way(proxy: Proxy) -> None:
    """Requests of each kind, which end in each way."""
    await proxy.ask("hello")
    await proxy.ask(HISTORY, stream=True)
    await proxy.ask(CACHED, model="haiku")
    await proxy.post(CHAT, "/v1/chat/completions")
    await proxy.post(b'{"model": "made up by \\"me\\"\\n", "input": "hello"}', "/v1/responses")
    await proxy.post(body_of("hello"), "/v1/messages/count_tokens")
    await proxy.get("/v1/models")
    await proxy.get("/v1/models/sonnet")
    await proxy.get("/readyz")
    await proxy.get('/nothing"/there')
    await proxy.post(b"{}")
    for prompt in ("[[status=429]]", "[[status=529]]", "[[die=before_first]]"):
        await proxy.ask(prompt)
    await proxy.ask("[[error=api_error; at=5]]", stream=True)
    async with proxy.open("[[hang; at=5]]", stream=True) as exchange:
        await exchange.until("content_block_delta")
    async with proxy.open("[[hang; at=0]]"):
        await proxy.until(lambda now: now.in_use > 0)
    await proxy.settle()
