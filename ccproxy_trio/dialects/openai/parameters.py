"""The parameters that say how to answer, as fields of a Messages body.

OpenAI's defaults of `temperature` and `top_p` are Claude's as well: written out they are left out, as some models
refuse the two together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, boolean, integer, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parts import text_block
from ccproxy_trio.dialects.openai.places import item
from ccproxy_trio.dialects.openai.values import known_keys, number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.dialects.openai.places import Notes

DEFAULT_MAX_TOKENS = 32_000
"""The Messages API wants a limit and OpenAI's does not: what every Claude model since Claude 4 can write."""

JSON_INSTRUCTION = (
    "Answer with one valid JSON object alone: no text before or after it, and no code fence around it."
)
"""Added to the system prompt for a JSON mode that Claude's models do not have."""

MOST_STOPS = 4
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TIERS = {"auto": "auto", "default": "standard_only"}
OTHER_TIERS = ("flex", "scale", "priority", "fast")


def read_parameters(
    fields: Mapping[str, Any], body: dict[str, Any], notes: Notes, *, show_thinking: bool
) -> None:
    """Set in `body` what the client's `fields` ask for. Raises InvalidRequest."""
    read_limit(fields, body, notes, "max_completion_tokens", "max_tokens")
    for name, read in _READERS.items():
        if name in fields:
            read(fields[name], body, notes)
    if "reasoning_effort" in fields:
        read_effort(fields["reasoning_effort"], "reasoning_effort", body, notes, show_thinking=show_thinking)
    read_user(fields, body, notes)


def read_limit(fields: Mapping[str, Any], body: dict[str, Any], notes: Notes, *names: str) -> None:
    """The limit of the answer's length, which stands under one of these names or none."""
    given = [name for name in names if name in fields]
    if len(given) > 1:
        raise InvalidRequest(given[1], f"{' and '.join(given)} cannot be set at the same time")
    body["max_tokens"] = DEFAULT_MAX_TOKENS
    for name in given:
        body["max_tokens"] = integer(fields[name], name, at_least=1)
        notes.places.note("max_tokens", name)


def read_temperature(value: object, body: dict[str, Any], notes: Notes) -> None:
    """The field `temperature`."""
    temperature = number(value, "temperature", 0, 2)
    if temperature > 1:
        notes.leave_out("temperature", "Claude's models take 0 to 1")
    elif temperature != 1:
        body["temperature"] = temperature


def read_top_p(value: object, body: dict[str, Any], notes: Notes) -> None:
    """The field `top_p`."""
    top_p = number(value, "top_p", 0, 1)
    if top_p != 1:
        body["top_p"] = top_p


def read_effort(value: object, path: str, body: dict[str, Any], notes: Notes, *, show_thinking: bool) -> None:
    """How much to think. Claude's efforts have the same names, but for the two least: those do not think."""
    effort = one_of(value, path, *EFFORTS)
    notes.places.note("thinking", path)
    notes.places.note("output_config.effort", path)
    if effort == "none":
        return
    config = body.setdefault("output_config", {})
    if effort == "minimal":
        config["effort"] = "low"
        return
    config["effort"] = effort
    body["thinking"] = {"type": "adaptive", **({"display": "summarized"} if show_thinking else {})}


def read_user(fields: Mapping[str, Any], body: dict[str, Any], notes: Notes) -> None:
    """Who the end user is: the newer name counts."""
    for name in ("safety_identifier", "user"):
        if name not in fields:
            continue
        user = string(fields[name], name)
        if "metadata" not in body:
            body["metadata"] = {"user_id": user}
            notes.places.note("metadata", name)
        elif user != body["metadata"]["user_id"]:
            notes.ignored.append(name)


def read_service_tier(value: object, body: dict[str, Any], notes: Notes) -> None:
    """The field `service_tier`."""
    tier = one_of(value, "service_tier", *TIERS, *OTHER_TIERS)
    if tier in TIERS:
        body["service_tier"] = TIERS[tier]
    else:
        notes.leave_out("service_tier", f"upstream has no tier {tier!r} to ask for")


def set_output_schema(wanted: Mapping[str, Any], path: str, body: dict[str, Any], notes: Notes) -> None:
    """Ask for an answer of the schema that `wanted`, which stands at `path` and has no nulls, describes."""
    string(required(dict(wanted), "name", path), f"{path}.name")
    boolean(wanted.get("strict", False), f"{path}.strict")
    schema = obj(required(dict(wanted), "schema", path), f"{path}.schema")
    if "description" in wanted:
        schema = {"description": string(wanted["description"], f"{path}.description"), **schema}
    body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}
    notes.places.note("output_config.format", path)
    notes.places.note("output_config.format.schema", f"{path}.schema", verbatim=True)


def ask_for_json(body: dict[str, Any]) -> None:
    """Ask for an answer that is some JSON object."""
    body["system"] = [*body["system"], text_block(JSON_INSTRUCTION)]


def _response_format(value: object, body: dict[str, Any], notes: Notes) -> None:
    path = "response_format"
    wanted = known_keys(value, path, "type", "json_schema")
    match one_of(required(wanted, "type", path), f"{path}.type", "text", "json_object", "json_schema"):
        case "json_object":
            ask_for_json(body)
        case "json_schema":
            path = f"{path}.json_schema"
            schema = required(wanted, "json_schema", "response_format")
            set_output_schema(
                known_keys(schema, path, "name", "description", "schema", "strict"), path, body, notes
            )


def _stop(value: object, body: dict[str, Any], notes: Notes) -> None:
    if isinstance(value, list) and len(value) > MOST_STOPS:
        raise InvalidRequest("stop", f"List should have at most {MOST_STOPS} items, not {len(value)}")
    stops = {"stop": value} if isinstance(value, str) else _placed(array(value, "stop"), "stop")
    carried = []
    for path, stop in stops.items():
        if string(stop, path).strip():
            carried.append(stop)
        else:
            notes.leave_out(path, "the Messages API takes no stop sequence of white space alone")
    if carried:
        body["stop_sequences"] = carried


def _placed(items: list[Any], path: str) -> dict[str, Any]:
    return {item(path, index): each for index, each in enumerate(items)}


_READERS: Mapping[str, Callable[[object, dict[str, Any], Notes], None]] = {
    "temperature": read_temperature,
    "top_p": read_top_p,
    "stop": _stop,
    "response_format": _response_format,
    "service_tier": read_service_tier,
}
