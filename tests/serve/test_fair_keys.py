"""Two keys at one server: one asks for everything at once and again and again, the other for one thing at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.settings import hash_key, new_key
from tests.serve.running import SERVE, open_server
from tests.server.http_client import Reply, fetch
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from tests.serve.running import Scratch

FLOOD, ALONE = new_key(), new_key()
KEYS = f"""
[server.keys.flood]
hash = "{hash_key(FLOOD)}"
[server.keys.alone]
hash = "{hash_key(ALONE)}"
[pool_settings]
max_size = 2
max_waiting = 20
acquire_timeout = 60
"""
AT_ONCE = 60
ONE_BY_ONE = 6
MOST = 8
"""Of the flood's answers, how many may come while the other waits for one: those of the two that are under way, and
what the second instance does while the first is the other's. Behind the line there would be 20."""


@pytest.mark.timeout(120)
async def test_the_flood_of_one_key_starves_no_other(scratch: Scratch) -> None:
    (scratch.working / "ccproxy.toml").write_text(KEYS)
    answered: list[str] = []
    refused: list[str] = []
    ahead: list[int] = []

    async with open_server(SERVE, scratch) as server:

        async def ask(key: str, prompt: str) -> Reply:
            return await fetch(server.port, "/v1/messages", body_of(prompt), headers={"x-api-key": key})

        async def press(number: int) -> None:
            while (reply := await ask(FLOOD, f"flood {number} [[delay=0.05]]")).status == 529:
                assert int(reply.headers["retry-after"]) >= 1
                refused.append(reply.failure[2])
                await trio.sleep(0.1)  # It does not listen.
            assert reply.text == f"Demo echo: flood {number}"
            answered.append(reply.text)

        async with trio.open_nursery() as nursery:
            for number in range(AT_ONCE):
                nursery.start_soon(press, number)
            while not (answered and refused):  # noqa: ASYNC110 -- no event tells
                await trio.sleep(0.01)
            for number in range(ONE_BY_ONE):
                before = len(answered)
                reply = await ask(ALONE, f"alone {number} [[delay=0.05]]")
                assert (reply.status, reply.text) == (200, f"Demo echo: alone {number}")
                ahead.append(len(answered) - before)
            assert len(answered) < AT_ONCE - 20  # The line was full to the end.
    assert len(answered) == AT_ONCE
    assert max(ahead) <= MOST, ahead
    # Some were refused at once, and some gave their place to the other.
    assert any("acquires wait already" in message for message in refused)
    assert any("its place in the line went to a tenant" in message for message in refused)
