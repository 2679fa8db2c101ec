"""What a conversation costs is what the CLI's total has grown by, whenever it tells that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ccproxy_trio.claude.exchange import Exchange
from ccproxy_trio.claude.frames import ControlResponse, Result, StreamEvent, Unknown
from ccproxy_trio.claude.stages import Stages
from tests.claude.instances import launcher, request

if TYPE_CHECKING:
    from ccproxy_trio.claude.instance import Instance

TEXT = [{"type": "text", "text": "hello"}]


def result(spent: float | None, num_turns: int = 1) -> Result:
    return Result(False, "", num_turns, None, spent)


def forget(exchange: Exchange) -> Exchange:
    request_id, _ = exchange.rewind()
    exchange.feed(ControlResponse(request_id, {"rewound": True}, None))
    response = exchange.answer(request_id)
    assert response is not None
    return exchange.after_rewind(response)


def test_a_conversation_costs_what_the_total_has_grown_by() -> None:
    exchange, costs = Exchange(), []
    for total in (0.5, 0.5, None, 0.25, 0.75):
        exchange.append(TEXT)
        exchange.feed(result(total if total != 0.5 else None, 0))
        exchange.ask(TEXT)
        exchange.feed(Unknown("system", {"subtype": "init"}))
        exchange.feed(StreamEvent({"type": "message_start"}))
        exchange.feed(result(total))
        costs.append(exchange.account.dollars)
        exchange = forget(exchange)
        assert exchange.account.dollars == 0
    assert costs == [0.5, 0, 0, 0, 0.25]


def test_whoever_follows_is_told_once_of_all_that_is_spent() -> None:
    for early in (True, False):
        exchange, told = Exchange(), list[float]()
        exchange.ask(TEXT)
        if early:
            exchange.account.on_spending(told.append)
        exchange.feed(result(0.5))
        if not early:
            exchange.account.on_spending(told.append)
        exchange.feed(result(0.75))
        assert told == [0.5, 0.25]


async def converse(instance: Instance, prompt: str, read: int | None = None) -> float:
    """What one conversation costs, of which the events are read, or so many batches of them."""
    stages = Stages()
    turn = await instance.begin(request(prompt), "sonnet", stages=stages)
    while await turn.receive():
        if read is not None and (read := read - 1) <= 0:
            break
    await instance.reset()
    return stages.account.dollars


async def test_the_stand_in_tells_it_as_the_cli_does() -> None:
    async with launcher().open() as instance:
        first = await converse(instance, "hello")
        assert first > 0
        assert await converse(instance, "hello") == pytest.approx(first)
        assert 0 < await converse(instance, "[[hang; at=5]] hello", read=1) < first
        assert await converse(instance, "hello") == pytest.approx(first)
