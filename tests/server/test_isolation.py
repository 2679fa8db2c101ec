"""One request's text is never in another's: random requests on few instances, and every body that went upstream.

Each request has a canary of its own in each of its texts. Some are answered, some fail, some are left by their
client; whatever happens, the model is given exactly the system prompt, model, parameters and messages of the one
request, and nobody is answered twice.
"""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import trio
from attrs import frozen

from ccproxy_trio.pool import RetireReason
from tests.server.conversations import assistant, conversation, system, user
from tests.server.proxy import Backend, Proxy, open_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SYSTEMS: tuple[list[str], ...] = ([], ["Be brief."], ["Be long.", "And kind."])
MODELS = ("claude-sonnet-5-5", "claude-opus-5-5")
ENDS = {
    "[[dump]]": 200,
    "[[status=429]]": 429,
    "[[error=overloaded_error; at=5; gap=0.01]]": 529,
    "[[deltas=200; gap=0.02]]": None,  # the client leaves
}


@frozen
class Asked:
    """A random request."""

    canary: str
    model: str
    system: list[str]
    messages: list[dict[str, Any]]
    max_tokens: int
    stream: bool
    end: str

    def check(self, body: Mapping[str, Any]) -> None:
        """This is what the model must be given, and nothing else."""
        assert conversation(body) == self.messages
        assert "\n\n".join(system(body)) == "\n\n".join(self.system)
        assert (body["model"], body["max_tokens"]) == (self.model, self.max_tokens)
        others = set(json.dumps(body).split("canary-")[1:])
        assert {other[:6] for other in others} == {self.canary}


def draw(random: Random, number: int) -> Asked:
    canary = f"{number:06}"
    end = random.choices(list(ENDS), weights=[6, 1, 1, 2])[0]
    texts = [
        f"{n} canary-{canary} {'x' * random.randrange(300)}" for n in range(random.choice([0, 0, 2, 4, 6]))
    ]
    history = [assistant(text) if n % 2 else user(text) for n, text in enumerate(texts)]
    return Asked(
        canary,
        random.choice(MODELS),
        random.choice(SYSTEMS),
        [*history, user(f"canary-{canary} {end}")],
        random.randrange(500, 5000),
        random.random() < 0.5,
        end,
    )


async def carry_out(proxy: Proxy, asked: Asked, leave_after: float) -> None:
    fields: dict[str, Any] = {"max_tokens": asked.max_tokens, "stream": asked.stream, "model": asked.model}
    fields["system"] = [{"type": "text", "text": text} for text in asked.system]
    status = ENDS[asked.end]
    if status is None:
        with trio.move_on_after(leave_after):
            await proxy.ask(asked.messages, **fields)
        return
    reply = await proxy.ask(asked.messages, **fields)
    if status == 200:
        asked.check(json.loads(reply.text))
    else:
        told, kind, _ = reply.failure
        assert (told, kind) in {(status, kind), (200, kind)}
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
    random = Random(5)
    all_asked = [draw(random, number) for number in range(70)]
    async with open_proxy(cli, pool={"min_size": 3, "max_size": 3}) as proxy:
        await carry_out_all(proxy, all_asked, random)
        received: Counter[str] = Counter()
        for request in proxy.upstream:
            canary = json.dumps(request.body["messages"][-1]).partition("canary-")[2][:6]
            all_asked[int(canary)].check(request.body)
            received[canary] += 1
        assert set(received.values()) == {1}
        stayed = {asked.canary for asked in all_asked if ENDS[asked.end] is not None}
        assert stayed <= set(received)


async def test_over_the_stand_in(demo: Backend) -> None:
    random = Random(6)
    async with open_proxy(demo, pool={"min_size": 3, "max_size": 3}) as proxy:
        await carry_out_all(proxy, [draw(random, number) for number in range(500)], random)
