"""How a response is to be made: the parameters as fields of a Messages body, and as the answer tells them again.

What the answer tells is what was carried: a parameter that was left out is told by its default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import (
    array,
    boolean,
    integer,
    obj,
    one_of,
    required,
    string,
    within,
)
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parameters import (
    ask_for_json,
    read_effort,
    read_limit,
    read_service_tier,
    read_temperature,
    read_top_p,
    read_user,
    set_output_schema,
)
from ccproxy_trio.dialects.openai.places import item
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.places import Notes

ENCRYPTED = "reasoning.encrypted_content"
LOGPROBS = "message.output_text.logprobs"
EMPTY_INCLUDES = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
)
"""What belongs to items that no answer has here."""

_THOUGHTLESS = ("none", "minimal")
MOST_METADATA = 16


def read_settings(fields: Mapping[str, Any], body: dict[str, Any], notes: Notes) -> dict[str, Any]:
    """Set in `body` what the client's `fields` ask for; return what the answer tells of it. Raises InvalidRequest."""
    read_limit(fields, body, notes, "max_output_tokens")
    if "temperature" in fields:
        read_temperature(fields["temperature"], body, notes)
    if "top_p" in fields:
        read_top_p(fields["top_p"], body, notes)
    if "service_tier" in fields:
        read_service_tier(fields["service_tier"], body, notes)
    read_user(fields, body, notes)
    _read_include(fields.get("include", []), notes)
    if "max_tool_calls" in fields:
        # It counts the calls of OpenAI's own tools, of which there are none.
        integer(fields["max_tool_calls"], "max_tool_calls", at_least=1)
    return {
        "background": False,
        "instructions": fields.get("instructions"),
        "max_output_tokens": fields.get("max_output_tokens"),
        "max_tool_calls": fields.get("max_tool_calls"),
        "metadata": _read_metadata(fields.get("metadata", {})),
        "previous_response_id": None,
        "reasoning": _read_reasoning(fields.get("reasoning", {}), body, notes),
        "safety_identifier": fields.get("safety_identifier"),
        "store": False,
        "temperature": float(body.get("temperature", 1)),
        "text": _read_text(fields.get("text", {}), body, notes),
        "top_logprobs": 0,
        "top_p": float(body.get("top_p", 1)),
        "truncation": "disabled",
        "user": fields.get("user"),
    }


def _read_include(value: object, notes: Notes) -> None:
    for index, name in enumerate(array(value, "include")):
        path = item("include", index)
        wanted = one_of(name, path, ENCRYPTED, LOGPROBS, *EMPTY_INCLUDES)
        if wanted == LOGPROBS:
            notes.leave_out(path, "Claude's models tell no probabilities")
        elif wanted in EMPTY_INCLUDES:
            notes.ignored.append(path)


def _read_metadata(value: object) -> dict[str, str]:
    metadata = obj(value, "metadata")
    if len(metadata) > MOST_METADATA:
        raise InvalidRequest("metadata", f"at most {MOST_METADATA} keys are allowed, not {len(metadata)}")
    return {key: string(each, within("metadata", key)) for key, each in metadata.items()}


def _read_reasoning(value: object, body: dict[str, Any], notes: Notes) -> dict[str, Any]:
    path = "reasoning"
    asked = known_keys(value, path, "effort", "summary", "generate_summary", "context", "mode")
    summary = None
    for name in ("generate_summary", "summary"):  # the older name, and the one that counts
        if name in asked:
            summary = one_of(asked[name], f"{path}.{name}", "auto", "concise", "detailed")
    if one_of(asked.get("context", "auto"), f"{path}.context", "auto", "current_turn", "all_turns") != "auto":
        notes.ignored.append(f"{path}.context")
    if string(asked.get("mode", "standard"), f"{path}.mode") != "standard":
        notes.leave_out(f"{path}.mode", "Claude's models have one mode")
    effort = asked.get("effort")
    if effort is not None:
        read_effort(effort, f"{path}.effort", body, notes, show_thinking=summary is not None)
    if summary is not None and effort is None:
        # Who wants to read of it wants it done.
        notes.places.note("thinking", f"{path}.summary")
        body["thinking"] = {"type": "adaptive", "display": "summarized"}
    if summary is not None and effort in _THOUGHTLESS:
        notes.ignored.append(f"{path}.summary")
    return {"effort": effort, "summary": summary}


def _read_text(value: object, body: dict[str, Any], notes: Notes) -> dict[str, Any]:
    asked = known_keys(value, "text", "format", "verbosity")
    if one_of(asked.get("verbosity", "medium"), "text.verbosity", "low", "medium", "high") != "medium":
        notes.leave_out("text.verbosity", "Claude's models have no such setting; say it in the prompt")
    return {"format": _read_format(asked.get("format", {"type": "text"}), body, notes), "verbosity": "medium"}


def _read_format(value: object, body: dict[str, Any], notes: Notes) -> dict[str, Any]:
    path = "text.format"
    wanted = obj(value, path)
    kind = one_of(required(wanted, "type", path), f"{path}.type", "text", "json_object", "json_schema")
    if kind == "json_schema":
        wanted = known_keys(wanted, path, "type", "name", "description", "schema", "strict")
        set_output_schema(wanted, path, body, notes)
        return {"description": None, "strict": False, **wanted}
    known_keys(wanted, path, "type")
    if kind == "json_object":
        ask_for_json(body)
    return {"type": kind}


def read_stream_options(fields: Mapping[str, Any], notes: Notes, *, stream: bool) -> None:
    """The field `stream_options`: the padding that hides the length of what is said is left out."""
    path = "stream_options"
    if path not in fields:
        return
    options = known_keys(fields[path], path, "include_obfuscation")
    if not stream:
        raise InvalidRequest(path, "this parameter is only allowed when 'stream' is true")
    if boolean(options.get("include_obfuscation", False), f"{path}.include_obfuscation"):
        notes.ignored.append(f"{path}.include_obfuscation")
