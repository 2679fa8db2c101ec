"""The fields of a request that say how to answer, and go upstream as they are: each with its check.

Only what the API would not tell itself, or not as well, is checked; what a model takes of `thinking`, `effort` and
the rest is for the API to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.caching import check_mark
from ccproxy_trio.dialects.anthropic.known import NULLABLE_FIELDS
from ccproxy_trio.dialects.anthropic.values import (
    EXTRA,
    array,
    fraction,
    integer,
    obj,
    one_of,
    required,
    string,
    within,
)
from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LEAST_BUDGET = 1024


def parse_parameters(fields: dict[str, Any], max_tokens: int) -> dict[str, Any]:
    """Those of `fields` that are parameters, in their order. Raises InvalidRequest."""
    found = {
        name: value
        for name, value in fields.items()
        if name in PARAMETERS and not (value is None and name in NULLABLE_FIELDS)
    }
    for name, value in found.items():
        PARAMETERS[name](value, name)
    # With tools thinking may be interleaved, and then its budget is for a whole round of calls.
    if not fields.get("tools") and found.get("thinking", {}).get("budget_tokens", 0) >= max_tokens:
        raise InvalidRequest("max_tokens", "`max_tokens` must be greater than `thinking.budget_tokens`")
    return found


def _fraction(value: object, path: str) -> None:
    fraction(value, path)


def _top_k(value: object, path: str) -> None:
    integer(value, path, at_least=0)


def _stop_sequences(value: object, path: str) -> None:
    for index, stop in enumerate(array(value, path)):
        if not string(stop, f"{path}.{index}").strip():
            raise InvalidRequest(path, "each stop sequence must contain non-whitespace")


def _metadata(value: object, path: str) -> None:
    for key, user in obj(value, path).items():
        if key != "user_id":
            raise InvalidRequest(within(path, key), EXTRA)
        if user is not None:
            string(user, f"{path}.user_id")


def _service_tier(value: object, path: str) -> None:
    one_of(value, path, "auto", "standard_only")


def _thinking(value: object, path: str) -> None:
    thinking = obj(value, path)
    kind = required(thinking, "type", path)
    one_of(kind, f"{path}.type", "enabled", "disabled", "adaptive", "between_tools")
    if kind == "disabled":
        for key in thinking.keys() - {"type"}:
            raise InvalidRequest(within(f"{path}.disabled", key), EXTRA)  # the CLI would leave it out
    if kind == "enabled" or "budget_tokens" in thinking:
        path = f"{path}.{kind}"
        integer(required(thinking, "budget_tokens", path), f"{path}.budget_tokens", at_least=_LEAST_BUDGET)


def _output_config(value: object, path: str) -> None:
    config = obj(value, path)
    if config.get("effort") is not None:
        string(config["effort"], f"{path}.effort")
    if config.get("format") is not None:
        _output_format(config["format"], f"{path}.format")


def _output_format(value: object, path: str) -> None:
    wanted = obj(value, path)
    one_of(required(wanted, "type", path), f"{path}.type", "json_schema")
    obj(required(wanted, "schema", path), f"{path}.schema")


def _string(value: object, path: str) -> None:
    string(value, path)


def _object(value: object, path: str) -> None:
    obj(value, path)


PARAMETERS: Mapping[str, Callable[[object, str], None]] = {
    "cache_control": check_mark,
    "context_management": _object,
    "diagnostics": _object,
    "inference_geo": _string,
    "metadata": _metadata,
    "output_config": _output_config,
    "output_format": _output_format,
    "service_tier": _service_tier,
    "speed": _string,
    "stop_sequences": _stop_sequences,
    "temperature": _fraction,
    "thinking": _thinking,
    "top_k": _top_k,
    "top_p": _fraction,
}
"""By name: what is wrong with a value, as an InvalidRequest."""
