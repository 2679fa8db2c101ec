"""What the dashboard shows: one JSON object, and the difference of two. Pure.

    pool         the numbers of `PoolStatistics`
    instances    by number: state, since, born, uses, rss, pss; no `since` for states that pass within seconds
    minute       the numbers of the last minute's requests, as in `traffic`
    traffic      the same by moment
    retirements  the latest
    settings     by key: value and origin; no secret, and of keys only how many there are

Times are seconds since the server's start, sizes bytes. Nothing is null in it, so that a difference can be a merge
patch as RFC 7396 has it: what has changed is there, and null stands for what is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import orjson

from ccproxy_trio.settings import list_effective

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ccproxy_trio.claude.memory import Memory
    from ccproxy_trio.pool import PoolStatistics, ResourceSnapshot
    from ccproxy_trio.settings import Settings

State: TypeAlias = "Mapping[str, Any]"


class Process(Protocol):
    """What is looked at of an instance."""

    pid: int


P = TypeVar("P", bound=Process)

NUMBERS = (
    *("min_size", "max_size", "idle", "in_use", "starting", "checking", "resetting", "retiring", "total"),
    *("waiting", "fresh", "created", "destroyed", "acquired", "reused", "acquire_timeouts", "saturated"),
    *("create_failures", "check_failures", "reset_failures", "close_failures"),
)
_PASSING = frozenset({"checking", "resetting", "retiring"})


def difference(before: State, after: State) -> dict[str, Any]:
    """What turns one object into the other, as a merge patch; empty if they are the same."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        old = before.get(name)
        if old is value or old == value:
            continue
        if isinstance(old, dict) and isinstance(value, dict):
            patch[name] = difference(old, value)
        else:
            patch[name] = value
    return patch


def describe_pool(statistics: PoolStatistics) -> dict[str, Any]:
    """The numbers, and whether no instance can be started now."""
    numbers = {name: getattr(statistics, name) for name in NUMBERS}
    return {**numbers, "failing": statistics.backoff_until is not None}


def describe_instances(
    resources: Iterable[ResourceSnapshot[P]], memory: Mapping[int, Memory], start: float
) -> dict[str, dict[str, Any]]:
    """Each instance by its number."""
    return {str(each.id): _describe_instance(each, memory, start) for each in resources}


def _describe_instance(
    resource: ResourceSnapshot[P], memory: Mapping[int, Memory], start: float
) -> dict[str, Any]:
    state = "fresh" if resource.state == "idle" and resource.fresh else resource.state
    told: dict[str, Any] = {"state": "leased" if state == "in_use" else state, "uses": resource.uses}
    if state not in _PASSING:  # `since` is then when it was leased or came to rest, which was before
        told["since"] = round(resource.since - start, 3)
    if resource.born is not None:
        told["born"] = round(resource.born - start, 3)
    if resource.value is not None and (takes := memory.get(resource.value.pid)) is not None:
        told |= {"rss": takes.rss, "pss": takes.pss}
    return told


def describe_settings(settings: Settings) -> dict[str, dict[str, str]]:
    """Each option. Whoever has a key is not told who else has one."""
    told = {
        each.key: {"value": _write(each.value), "origin": each.origin} for each in list_effective(settings)
    }
    keys = len(settings.server.keys)
    told["server.keys"]["value"] = f"{keys} (not shown)" if keys else "none"
    return told


def _write(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
