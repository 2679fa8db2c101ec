"""The parameters of a chat completion that are not carried, and why; from the official client's parameter types.

Three kinds. What would change the answer, or what is in it, is unsupported: refused by name, or left out and told,
as the operator chose. What changes nothing in the answer is accepted and told. What OpenAI itself has replaced is
refused always, as to leave it out would take the program's functions away. A value that asks for nothing beyond what
happens anyway is no use of a parameter, and null never is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai.places import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ccproxy_trio.dialects.openai.places import Notes


@frozen
class NotCarried:
    """Why a parameter is not carried, and the values that need no carrying."""

    why: str
    neutral: tuple[object, ...] = ()

    def is_used(self, value: object) -> bool:
        """Whether `value` asks for something."""
        # True is 1 to Python, and not to JSON.
        kinds = ((each, type(each) is bool) for each in (None, *self.neutral))
        return (value, type(value) is bool) not in kinds


UNSUPPORTED: Mapping[str, NotCarried] = {
    "audio": NotCarried("answers are text"),
    "frequency_penalty": NotCarried("Claude's models have no penalties", (0,)),
    "logit_bias": NotCarried("Claude's models take no biases of tokens", ({},)),
    "logprobs": NotCarried("Claude's models tell no probabilities", (False,)),
    "modalities": NotCarried("answers are text", (["text"],)),
    "moderation": NotCarried("nothing here moderates"),
    "n": NotCarried("there is one answer to a request", (1,)),
    "prediction": NotCarried("Claude's models take no predictions"),
    "presence_penalty": NotCarried("Claude's models have no penalties", (0,)),
    "seed": NotCarried("Claude's models cannot be made to repeat themselves"),
    "top_logprobs": NotCarried("Claude's models tell no probabilities", (0,)),
    "verbosity": NotCarried("Claude's models have no such setting; say it in the prompt", ("medium",)),
    "web_search_options": NotCarried("nothing here searches the web"),
}

WITHOUT_EFFECT: Mapping[str, NotCarried] = {
    "metadata": NotCarried("nothing is stored that it could be attached to", ({},)),
    "prompt_cache_key": NotCarried("upstream's cache has no keys"),
    "prompt_cache_options": NotCarried("upstream's cache is used as it is"),
    "prompt_cache_retention": NotCarried("upstream's cache is used as it is"),
    "store": NotCarried("nothing is stored", (False,)),
}

REPLACED: Mapping[str, str] = {"function_call": "tool_choice", "functions": "tools"}

CARRIED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "parallel_tool_calls",
        "reasoning_effort",
        "response_format",
        "safety_identifier",
        "service_tier",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
        "user",
    }
)


def check_fields(fields: Mapping[str, Any], notes: Notes) -> dict[str, Any]:
    """Those of `fields` that are carried and are not null. Raises InvalidRequest."""
    known = CARRIED | UNSUPPORTED.keys() | WITHOUT_EFFECT.keys() | REPLACED.keys()
    if unknown := [shorten(name) for name in fields if name not in known]:
        # OpenAI's own words, in which the parameter stands last, and its `param` is null.
        noun = "argument" if len(unknown) == 1 else "arguments"
        raise InvalidRequest("", f"Unrecognized request {noun} supplied: {', '.join(unknown[:10])}")
    for name, value in fields.items():
        if name in REPLACED and value is not None:
            raise Unsupported(name, f"this server does not support this parameter; use {REPLACED[name]}")
        if name in UNSUPPORTED and UNSUPPORTED[name].is_used(value):
            notes.leave_out(name, UNSUPPORTED[name].why)
        if name in WITHOUT_EFFECT and WITHOUT_EFFECT[name].is_used(value):
            notes.ignored.append(name)
    return {name: value for name, value in fields.items() if name in CARRIED and value is not None}
