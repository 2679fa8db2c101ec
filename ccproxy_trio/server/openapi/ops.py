"""What an operator asks, and this document itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .operations import json_answer
from .shapes import COUNT, FLAG, NUMBER, OBJECT, TEXT, Json, either, event, nullable, obj, ref, words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .operations import Server

_COUNTERS = (
    "connections_created",
    "connections_destroyed",
    "connections_reused",
    "acquire_timeouts",
    "health_check_failures",
    "total_connections",
    "available_connections",
    "in_use_connections",
)


def ops_operations(server: Server) -> dict[str, Json]:
    """By path."""

    def page(
        summary: str,
        name: str,
        shape: Json,
        said: str = "",
        *,
        key: bool | None = True,
        others: Mapping[str, Json] | None = None,
        kind: str = "application/json",
    ) -> Json:
        answer: Json = {kind: {"schema": shape}}
        told = server.describe(
            *(summary, name, "Messages", answer), tag="operator", said=said, key=key, others=others
        )
        return {"get": told}

    well = obj({"status": words("ok")}, "status")
    unready = obj({"status": words("not ready", "busy", "draining"), "reason": TEXT}, "status")
    counters = obj(dict.fromkeys(_COUNTERS, COUNT), *_COUNTERS)
    about = obj({"retired": OBJECT, "last_error": nullable(TEXT)}, "retired", "last_error", more=True)
    stats = obj({"pool_enabled": FLAG, "stats": counters, "pool": about}, "pool_enabled", "stats", "pool")
    failure = ref("MessagesError")
    look = either(*(obj({"now": NUMBER, told: OBJECT}, "now", told) for told in ("state", "change")))
    looks = event(either(look, obj({"now": NUMBER}, "now")), name=words("snapshot", "change", "end"))
    document = obj({"openapi": TEXT}, "openapi", more=True)
    return {
        "/": page("Tell who is there", "getRoot", obj({"name": TEXT, "demo": FLAG}, "name", "demo")),
        "/health": page("Tell that the server lives", "getHealth", well, key=False),
        "/healthz": page("Tell that the server lives", "getHealthz", well, key=False),
        "/readyz": page(
            *("Tell whether the server can answer", "getReadyz"),
            obj({"status": words("ready")}, "status"),
            "Why it cannot is told to whoever has a key, if there are keys.",
            key=None,
            others={"503": {"description": "It cannot, now.", "content": json_answer(unready)}},
        ),
        "/pool/stats": page("Tell how the pool does", "getPoolStatistics", stats),
        "/metrics": page(
            *("Tell Prometheus all that is measured", "getMetrics", TEXT),
            "As OpenMetrics for whoever accepts that.",
            kind="text/plain",
        ),
        "/dashboard": page("Show the dashboard", "getDashboard", TEXT, key=False, kind="text/html"),
        "/pool/events": page(
            *("Tell how the pool does, as it changes", "getPoolEvents", looks),
            "First a `snapshot`, then each `change` of it as a JSON Merge Patch; it ends when the server does.",
            others={"429": {"description": "As many look on as may.", "content": json_answer(failure)}},
            kind="text/event-stream",
        ),
        "/openapi.json": page("Tell what the server does", "getOpenAPI", document),
    }
