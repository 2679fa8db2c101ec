"""What an operator sees, and the two ways in which a pool may be told to keep less ready."""

from __future__ import annotations

from tests.server.http_client import fetch
from tests.server.proxy import Backend, children, open_proxy

COUNTERS = {
    "connections_created",
    "connections_destroyed",
    "connections_reused",
    "acquire_timeouts",
    "health_check_failures",
    "total_connections",
    "available_connections",
    "in_use_connections",
}


async def test_pool_stats(demo: Backend) -> None:
    async with open_proxy(demo, pool={"min_size": 2, "max_size": 3}) as proxy:

        async def stats(**expected: int) -> None:
            reply = await proxy.get("/pool/stats")
            assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
            assert reply.json.keys() == {"pool_enabled", "stats", "pool"}
            assert reply.json["pool_enabled"] is True
            assert reply.json["stats"].keys() == COUNTERS
            assert reply.json["stats"] == {**dict.fromkeys(COUNTERS, 0), **expected}

        await proxy.settle()
        await stats(connections_created=2, total_connections=2, available_connections=2)
        async with proxy.open("[[hang]]", stream=True) as exchange:
            await exchange.until("message_start")
            await stats(
                connections_created=2, total_connections=2, available_connections=1, in_use_connections=1
            )
        await proxy.settle()
        assert (await proxy.ask("again")).status == 200
        await proxy.settle()
        await stats(connections_created=2, connections_reused=1, total_connections=2, available_connections=2)
        assert (await proxy.ask("[[die=before_first]]")).status == 502
        await proxy.settle()
        await stats(
            connections_created=3,
            connections_destroyed=1,
            connections_reused=2,
            total_connections=2,
            available_connections=2,
        )
        more = (await proxy.get("/pool/stats")).json["pool"]
        assert (more["min_size"], more["max_size"], more["acquired"], more["fresh"]) == (2, 3, 3, 2)
        assert more["retired"]["died"] == 1


async def test_health(demo: Backend) -> None:
    async with open_proxy(demo) as proxy:
        for path, answer in {
            "/health": {"status": "ok"},
            "/healthz": {"status": "ok"},
            "/readyz": {"status": "ready"},
            "/": {"name": "ccproxy_trio", "demo": True},
        }.items():
            reply = await proxy.get(path)
            assert (reply.status, reply.json) == (200, answer)
            head = await fetch(proxy.port, path, method="HEAD")
            assert (head.status, head.body) == (200, b"")
            assert head.headers["content-length"] == reply.headers["content-length"]
            assert head.headers["request-id"] != reply.headers["request-id"]


async def test_without_a_pool_each_request_has_a_child_of_its_own(backend: Backend) -> None:
    async with open_proxy(backend, pool={"enabled": False, "max_size": 1}) as proxy:
        assert proxy.statistics.total == 0
        assert (await proxy.get("/readyz")).status == 200
        for number in range(1, 4):
            async with proxy.open(f"{number} [[deltas=3]]", stream=number % 2 == 0) as exchange:
                text = (await exchange.read()).text
            assert text == f"Demo echo: {number}"
            await proxy.until(lambda now: now.destroyed == number)  # noqa: B023 -- awaited in this round
            assert children() == set()
        stats = (await proxy.get("/pool/stats")).json
        assert stats["pool_enabled"] is False
        assert (stats["stats"]["connections_created"], stats["stats"]["connections_reused"]) == (3, 0)


async def test_without_warmup_nothing_is_created_before_the_first_request(demo: Backend) -> None:
    pool = {"min_size": 2, "max_size": 3, "warmup_on_startup": False}
    async with open_proxy(demo, pool=pool) as proxy:
        for path in ("/", "/health", "/readyz", "/pool/stats"):
            assert (await proxy.get(path)).status == 200
        assert (await proxy.post(b"{}")).status == 400
        assert children() == set()
        assert proxy.statistics.created == 0
        assert (await proxy.ask("first")).text == "Demo echo: first"
        assert (await proxy.settle()).idle == 2


async def test_instances_are_replaced_after_so_many_uses(demo: Backend) -> None:
    async with open_proxy(demo, pool={"max_size": 1, "max_uses": 3}) as proxy:
        for number in range(7):
            assert (await proxy.ask(f"{number}")).text == f"Demo echo: {number}"
        assert (await proxy.settle()).created == 3
