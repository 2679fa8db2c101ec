"""The parameters of a response that are not carried, and why; from the official client's parameter types.

The kinds are those of chat completions; and what builds on an earlier response, or on anything else that is kept, is
refused always: to leave it out would take the conversation away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai.fields import NotCarried
from ccproxy_trio.dialects.openai.places import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.places import Notes

UNSUPPORTED: Mapping[str, NotCarried] = {
    "access_programs": NotCarried("upstream has no such programs"),
    "background": NotCarried("nothing goes on when the client has left", (False,)),
    "background_options": NotCarried("nothing goes on when the client has left"),
    "context_management": NotCarried("nothing here makes a conversation shorter", ([],)),
    "moderation": NotCarried("nothing here moderates"),
    "store": NotCarried("nothing is stored; send the whole conversation as input", (False,)),
    "top_logprobs": NotCarried("Claude's models tell no probabilities", (0,)),
    "truncation": NotCarried("nothing here makes a conversation shorter", ("disabled",)),
}

WITHOUT_EFFECT: Mapping[str, NotCarried] = {
    "image": NotCarried("upstream gets images as they are"),
    "prompt_cache_key": NotCarried("upstream's cache has no keys"),
    "prompt_cache_options": NotCarried("upstream's cache is used as it is"),
    "prompt_cache_retention": NotCarried("upstream's cache is used as it is"),
}

KEPT: Mapping[str, str] = {
    "conversation": "nothing is stored; send the whole conversation as input",
    "previous_response_id": "nothing is stored; send the whole conversation as input",
    "prompt": "nothing is stored; send the prompt's text",
}

CARRIED = frozenset(
    {
        "include",
        "input",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "parallel_tool_calls",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)


def check_fields(fields: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Those of `fields` that are carried and are not null. Raises InvalidRequest."""
    for name, value in fields.items():
        if name in KEPT:
            if value is not None:
                raise Unsupported(name, f"this server does not support this parameter: {KEPT[name]}")
        elif name in UNSUPPORTED:
            if UNSUPPORTED[name].is_used(value):
                notes.leave_out(name, UNSUPPORTED[name].why)
        elif name in WITHOUT_EFFECT:
            if WITHOUT_EFFECT[name].is_used(value):
                notes.ignored.append(name)
        elif name not in CARRIED:
            raise InvalidRequest(shorten(name), "Unknown parameter")
    return {name: value for name, value in fields.items() if name in CARRIED and value is not None}
