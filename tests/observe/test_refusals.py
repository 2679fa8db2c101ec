"""What the transport refuses, which no record tells of, leaves a line and a count all the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.raw_http import open_connection
from tests.server.proxy import open_proxy

if TYPE_CHECKING:
    import pytest

    from tests.server.proxy import Backend

HUGE = b"GET /v1/secret-path HTTP/1.1\r\nHost: x\r\nX-Huge: " + b"v" * 100_000 + b"\r\n\r\n"


async def test_what_is_refused_is_logged_and_counted(demo: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ccproxy_trio.requests")
    refusals = re.compile(r'^ccproxy_transport_refusals_total\{status="(\d+)"\} (\d+)\.0$', re.MULTILINE)
    async with open_proxy(demo) as proxy:
        before = dict(refusals.findall((await proxy.get("/metrics")).body.decode()))
        caplog.clear()
        async with open_connection(proxy.port) as connection:
            await connection.send(HUGE)
            answer = await connection.read_answer()
        after = dict(refusals.findall((await proxy.get("/metrics")).body.decode()))
    (told,) = (each for each in caplog.records if each.getMessage() == "refused by the transport")
    assert (told.__dict__["status"], told.__dict__["outcome"]) == (431, "refused")
    assert told.__dict__["request_id"] == answer.headers["x-request-id"]
    assert "secret" not in str(vars(told))
    assert {status for status in after if after[status] != before[status]} == {"431"}
    assert int(after["431"]) == int(before["431"]) + 1
    assert before.keys() == after.keys() == {"400", "431", "501", "505", "529"}
