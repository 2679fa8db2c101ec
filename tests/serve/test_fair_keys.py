"""Two keys at one server: one asks for everything at once and again and again, the other for one thing at a time.

Who came before whom is the server's own word, in its log: the two are in a hurry, and see the answers in any order.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import trio
from attrs import evolve

from ccproxy_trio.settings import hash_key, new_key
from tests.serve.running import SERVE, open_server
from tests.server.http_client import Reply, fetch
from tests.server.proxy import body_of

if TYPE_CHECKING:
    from collections.abc import Sequence

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
[log]
level = "debug"
format = "json"
"""
AT_ONCE = 60
ONE_BY_ONE = 6
MOST = 4
"""To how many requests of the flood an instance may be lent while the other waits for one, as the keys take turns:
it was two. Behind the line there would be 20."""


@pytest.mark.timeout(120)
async def test_the_flood_of_one_key_starves_no_other(scratch: Scratch) -> None:
    (scratch.working / "ccproxy.toml").write_text(KEYS)
    scratch = evolve(scratch, variables={**scratch.variables, "LOG__FORMAT": "json"})
    refused: list[str] = []
    over = False

    async with open_server(SERVE, scratch) as server:

        async def ask(key: str, prompt: str) -> Reply:
            return await fetch(server.port, "/v1/messages", body_of(prompt), headers={"x-api-key": key})

        async def press(number: int) -> None:
            while not over:
                reply = await ask(FLOOD, f"flood {number} [[delay=0.05]]")
                if reply.status == 529:
                    assert int(reply.headers["retry-after"]) >= 1
                    refused.append(reply.failure[2])
                    await trio.sleep(0.1)  # It does not listen.
                else:
                    assert reply.text == f"Demo echo: flood {number}"

        async with trio.open_nursery() as nursery:
            for number in range(AT_ONCE):
                nursery.start_soon(press, number)
            while not refused:  # noqa: ASYNC110 -- no event tells
                await trio.sleep(0.01)
            for number in count():
                reply = await ask(ALONE, f"alone {number} [[delay=0.05]]")
                assert (reply.status, reply.text) == (200, f"Demo echo: alone {number}")
                # Some were refused at once, and some gave their place to the other.
                if number >= ONE_BY_ONE and any("went to a tenant" in message for message in refused):
                    break
            over = True
    assert any("acquires wait already" in message for message in refused)
    ahead = count_ahead([orjson.loads(line) for line in server.stderr.value.splitlines()])
    assert len(ahead) > ONE_BY_ONE
    assert max(ahead) <= MOST, ahead


def count_ahead(log: Sequence[dict[str, Any]]) -> list[int]:
    """To how many others an instance was lent while `alone` waited for one, for each of its requests."""
    keys = {line["request_id"]: line["key"] for line in log if line["logger"] == "ccproxy_trio.requests"}
    lent: list[tuple[datetime, str]] = []
    found = []
    for line in log:
        if wait := re.match(r"instance \d+ is lent, .* after a wait of (\S+) s", line["event"]):
            at, key = datetime.fromisoformat(line["timestamp"]), keys[line["request_id"]]
            if key == "alone":
                came = at - timedelta(seconds=float(wait[1]))
                found.append(sum(key == "flood" and came < then for then, key in lent))
            lent.append((at, key))
    return found
