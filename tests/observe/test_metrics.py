"""What is counted is what was asked, once, whoever asks for the numbers and however often."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
import trio
from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ccproxy_trio import __version__
from ccproxy_trio.server.app import create_app
from ccproxy_trio.server.observe import metrics
from ccproxy_trio.settings import KeySettings, ServerSettings, Settings, hash_key
from tests.asgi_client import open_request
from tests.observe.scraping import CACHED, CHAT, HISTORY, ask_in_every_way, scrape
from tests.server.http_client import fetch
from tests.server.proxy import Backend, open_proxy

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from tests.observe.scraping import Scrape
    from tests.server.proxy import Proxy

KEY = "ccproxy-" + "k" * 40
OPENMETRICS = "application/openmetrics-text; version=1.0.0; q=0.6, text/plain; version=0.0.4; q=0.3"


async def scrape_after(proxy: Proxy, requests: int) -> Scrape:
    """Once so many requests of `/v1/messages` have ended, and what they hold is given back."""
    count = "ccproxy_request_duration_seconds_count"
    await proxy.settle()
    while True:
        told = await scrape(proxy)
        if count in told.labels() and told.value(count, endpoint="/v1/messages") == requests:
            return told


async def test_an_answer_is_counted_once(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        await proxy.settle()
        reply = await proxy.ask(HISTORY)
        told = await scrape_after(proxy, 1)
        asked = {"endpoint": "/v1/messages", "model": "sonnet"}
        ended = {"dialect": "anthropic", "status": "200", "outcome": "ok"}
        assert told.value("ccproxy_requests_total", **asked, **ended) == 1
        assert told.value("ccproxy_time_to_first_token_seconds_count", model="sonnet") == 1
        for stage in ("queue", "prepare", "history", "turn", "relay"):
            assert told.value("ccproxy_stage_duration_seconds_count", stage=stage) == 1
        total, waited = (
            told.value(f"ccproxy_{name}_seconds_sum") for name in ("request_duration", "time_to_first_token")
        )
        assert 0 < waited <= total
        for kind in ("input", "output"):
            tokens = told.value("ccproxy_tokens_total", **asked, kind=kind)
            assert tokens == reply.json["usage"][f"{kind}_tokens"]
        cost = told.value("ccproxy_cost_dollars_total", **asked)
        assert cost > 0
        await proxy.ask(HISTORY)
        told = await scrape_after(proxy, 2)
        assert told.value("ccproxy_cost_dollars_total", **asked) == pytest.approx(2 * cost)


async def test_what_leavers_cost_is_counted_when_the_cli_tells(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        await proxy.settle()
        async with proxy.open("[[hang; at=5]]", stream=True) as exchange:
            await exchange.until("content_block_delta")
        told = await scrape_after(proxy, 1)
        assert told.value("ccproxy_requests_total", outcome="left", status="200") == 1
        assert told.value("ccproxy_cost_dollars_total", model="sonnet") > 0


async def test_the_cache_is_counted_by_itself(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        await proxy.ask(CACHED, stream=True)
        told = await scrape_after(proxy, 1)
        assert told.value("ccproxy_tokens_total", kind="cache_read") == 30
        assert told.value("ccproxy_tokens_total", kind="cache_creation") == 40


async def test_the_pool_is_told_as_it_counts_itself(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1}) as proxy:
        await proxy.settle()
        for prompt in ("hello", "hello", "[[die=before_first]]"):
            await proxy.ask(prompt)
            await proxy.settle()
        async with proxy.open("[[hang; at=5]]", stream=True) as first:
            await first.until("content_block_delta")
            async with proxy.open("hello", stream=True):
                await proxy.until(lambda now: now.waiting == 1)
                for _ in range(2):
                    told, counted = await scrape(proxy), proxy.statistics
                assert (await proxy.get("/readyz")).status == 503
        for state in ("idle", "in_use", "starting", "checking", "resetting", "retiring"):
            assert told.value("ccproxy_pool_instances", state=state) == getattr(counted, state)
        assert told.value("ccproxy_pool_waiting_requests") == 1
        assert told.value("ccproxy_pool_max_instances") == told.value("ccproxy_pool_min_instances") == 1
        assert told.value("ccproxy_pool_leases_total", use="first") == 2
        assert told.value("ccproxy_pool_leases_total", use="again") == 2
        assert told.value("ccproxy_pool_retired_total", reason="died") == 1
        assert told.value("ccproxy_pool_retired_total") == 1
        assert told.value("ccproxy_pool_lease_mean_seconds") == counted.lease_time
        assert told.value("ccproxy_pool_instances_started_total") == counted.created == 2
        assert told.value("ccproxy_pool_creation_duration_seconds_count") == 2
        assert told.value("ccproxy_ready") == 0
        await proxy.settle()
        assert (await scrape(proxy)).value("ccproxy_ready") == 1


async def test_memory_and_what_it_is_that_runs(backend: Backend) -> None:
    async with open_proxy(backend) as proxy:
        await proxy.settle()
        told = await scrape(proxy)
        assert told.value("ccproxy_build_info", version=__version__) == 1
        version, demo = proxy.claude.cli.version, str(backend.demo).lower()
        assert told.value("ccproxy_cli_info", version=version, demo=demo) == 1
        for of, least in (("server", 20e6), ("instances", 5e6 if backend.demo else 50e6)):
            resident = told.value("ccproxy_resident_memory_bytes", of=of)
            proportional = told.value("ccproxy_proportional_memory_bytes", of=of)
            assert resident >= proportional > least / 2
            assert resident > least
        assert told.value("process_cpu_seconds_total") > 0


async def test_no_label_is_what_a_client_wrote(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        await proxy.settle()
        await proxy.post(CHAT.replace(b"opus", b"made-up-by-me"), "/v1/chat/completions")
        for model in ("made up {by} me", "x" * 90, '"\\n'):
            await proxy.ask("hello", model=model)
            await proxy.ask("[[status=404]]", model=f"refused-{model}")
        await fetch(proxy.port, "/made-up/by/me", method="MADE")
        told = await scrape_after(proxy, 6)
        assert told.value("ccproxy_requests_total", model="other") == 6
        assert told.value("ccproxy_requests_total", endpoint="other", outcome="refused") == 1
        # One from which an answer has come is a model.
        assert told.value("ccproxy_requests_total", model="made-up-by-me") == 1
        for written in ("made up", "xxx", "refused-", "MADE", "/by/me"):
            assert written not in told.text


async def test_two_applications_count_for_themselves(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        other = create_app(proxy.claude, Settings(server=ServerSettings(allowed_hosts=("test",))))
        await proxy.ask("hello")
        assert (await scrape_after(proxy, 1)).value("ccproxy_requests_total", model="sonnet") == 1
        async with open_request(other, "GET", "/metrics") as asking:
            text = (await asking.read()).decode()
        assert 'ccproxy_pool_leases_total{use="first"} 1' in text
        assert "sonnet" not in text


async def test_both_formats_tell_the_same(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        await proxy.settle()
        await ask_in_every_way(proxy)
        plain = await scrape(proxy)
        reply = await fetch(proxy.port, "/metrics", method="GET", headers={"accept": OPENMETRICS})
        assert reply.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
        assert reply.headers["vary"] == "accept"
        parsed = text_string_to_metric_families(reply.body.decode())  # type: ignore[no-untyped-call] # it has no types
        families = {each.name: each for each in parsed}
        assert {each.name for family in families.values() for each in family.samples} == plain.labels().keys()
        for name in ("ccproxy_tokens", "ccproxy_cost_dollars", "ccproxy_pool_leases"):
            assert families[name].samples == plain.families[name].samples
        assert "_created" not in reply.body.decode() + plain.text


async def test_nobody_waits_for_a_page_that_is_long_in_the_making(
    demo: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_work, may_end = threading.Semaphore(0), threading.Event()

    def write_at_leisure(registry: CollectorRegistry) -> bytes:
        at_work.release()
        assert may_end.wait(30)
        return generate_latest(registry)

    monkeypatch.setattr(metrics, "generate_latest", write_at_leisure)
    async with open_proxy(demo) as proxy, trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(scrape, proxy)
        try:
            assert await trio.to_thread.run_sync(partial(at_work.acquire, timeout=30))
            assert (await proxy.ask("hello")).text == "Demo echo: hello"
            assert not at_work.acquire(blocking=False)  # the second scraper takes no second thread
        finally:
            may_end.set()


async def test_who_may_ask(demo: Backend) -> None:
    keys = {"ada": KeySettings(hash=hash_key(KEY))}
    async with open_proxy(demo, server={"keys": keys}) as proxy:
        assert (await fetch(proxy.port, "/metrics", method="GET")).status == 401
        told = await scrape(proxy, authorization=f"Bearer {KEY}")
        assert told.value("ccproxy_requests_total", endpoint="/metrics", status="401") == 1
        assert "ada" not in told.text
