"""What an operator asks of a running server: whether it lives, whether it can serve, and how its pool does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from attrs import frozen
from quart import Response, g

from .readiness import judge_readiness

if TYPE_CHECKING:
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.pool import PoolStatistics


@frozen
class Ops:
    """The endpoints, with what they look at."""

    claude: ClaudePool
    pool_enabled: bool
    has_keys: bool
    """Whether there is anyone who is not to know everything."""

    async def root(self) -> Response:
        """Who is there; clients probe it with HEAD. Whoever asks for HTML gets the dashboard here."""
        response = _json({"name": "ccproxy_trio", "demo": self.claude.cli.demo})
        response.headers["vary"] = "accept"
        return response

    async def health(self) -> Response:
        """The process answers."""
        return _json({"status": "ok"})

    async def ready(self) -> Response:
        """200 when an instance can be had now, or in the moment that a start or a clean-up takes; else 503.

        Its word for a server that will end is `draining`, for one that could queue a request `busy`, and for one that
        is at fault `not ready`. Why is told to whoever has a key, as it may name files and what the CLI said.
        """
        if g.draining:
            return _json({"status": "draining"}, 503)
        if (status := judge_readiness(self.claude.pool)) == "ready":
            return _json({"status": status})
        if self.has_keys and g.caller is None:
            return _json({"status": status}, 503)
        statistics = self.claude.pool.statistics()
        reason = (
            f"no instance can be started: {statistics.last_error}"
            if statistics.backoff_until is not None
            else f"none is free: {statistics}"
        )
        return _json({"status": status, "reason": reason}, 503)

    async def stats(self) -> Response:
        """The eight counters of the pool's documentation, and everything else the pool knows."""
        statistics = self.claude.pool.statistics()
        return _json(
            {
                "pool_enabled": self.pool_enabled,
                "stats": {
                    "connections_created": statistics.created,
                    "connections_destroyed": statistics.destroyed,
                    "connections_reused": statistics.reused,
                    "acquire_timeouts": statistics.acquire_timeouts,
                    "health_check_failures": statistics.check_failures,
                    "total_connections": statistics.total,
                    "available_connections": statistics.idle,
                    "in_use_connections": statistics.in_use,
                },
                "pool": _details(statistics),
            }
        )


_DETAILS = (
    *("min_size", "max_size", "starting", "checking", "resetting", "retiring", "waiting", "fresh"),
    *("acquired", "acquire_cancelled", "saturated", "create_failures", "reset_failures", "close_failures"),
    "lease_time",
)


def _details(statistics: PoolStatistics) -> dict[str, Any]:
    details: dict[str, Any] = {name: getattr(statistics, name) for name in _DETAILS}
    details["retired"] = {reason.value: count for reason, count in statistics.retired.items()}
    details["last_error"] = str(statistics.last_error) if statistics.last_error else None
    return details


def _json(value: object, status: int = 200) -> Response:
    return Response(orjson.dumps(value), status, content_type="application/json")
