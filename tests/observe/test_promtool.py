"""What Prometheus' own checker says of the metrics after requests of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.observe.promtool import promtool
from tests.observe.scraping import ask_in_every_way, scrape
from tests.server.proxy import open_proxy

if TYPE_CHECKING:
    from tests.server.proxy import Backend


async def test_promtool_finds_nothing_to_object_to(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        await proxy.settle()
        await ask_in_every_way(proxy)
        told = await scrape(proxy)
    assert await promtool("check", "metrics", stdin=told.text.encode()) == ""
    with pytest.raises(AssertionError, match="counter metrics should have"):
        await promtool("check", "metrics", stdin=told.text.replace("_tokens_total", "_tokens").encode())
