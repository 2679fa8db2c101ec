"""The settings of one turn, and those that end it: pure builders.

What the CLI is told here sticks until it is told otherwise. So each turn tells all of it, in the same write as the
question, unless it is what was told last, and nothing of one turn is left for the next:

* the model, and the extra body: fields that the CLI merges into its request, top-level key by key;
* whether the CLI sets marks for prompt caching of its own;
* the limit of the answer, once more: where it is above the CLI's own for the model, the CLI would ask for whatever
  failed a second time;
* that the CLI must neither summarise a long conversation, with a request of its own, nor refuse one by its own guess
  at the number of tokens: whether it fits is for the API to say;
* where the API is: for the *guard* takes that away as soon as an answer has begun. The CLI is an agent, which after
  some answers makes further requests by itself; without an address they fail before anything is sent.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.failures import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ccproxy_trio.dialects.anthropic.request import MessagesRequest

GUARD = {"env": {"ANTHROPIC_BASE_URL": "nowhere"}}
"""No URL at all: an address that nobody listens on would be sent to a proxy, if one is configured."""

HELD_BACK = "API Error: Invalid URL"
"""What the CLI says of a request that the guard has kept in."""

_NO_LIMIT = {"CLAUDE_CODE_BLOCKING_LIMIT_OVERRIDE": "1000000000"}
"""Tokens, above which the CLI would refuse by itself what it may not summarise."""

_CACHING = ("DISABLE_PROMPT_CACHING", "ENABLE_PROMPT_CACHING_1H")
_SWITCHES = {None: ("1", ""), "5m": ("", ""), "1h": ("", "1")}

_OWN_BETAS = ("claude-code-20250219", "interleaved-thinking-2025-05-14", "effort-2025-11-24")
_LOGIN_BETA = "oauth-2025-04-20"
_LONG_BETA = "context-1m-2025-08-07"

_WITHOUT_EFFORT = re.compile(
    r"claude-(3|instant|2)|claude-(opus-4-1|(opus|sonnet)-4(-0|-2025)|(sonnet|haiku)-4-5)"
)
"""Models for which the CLI leaves the effort out, and the API would refuse it."""


def refuse_effort(request: MessagesRequest, model: str) -> None:
    """Raise InvalidRequest for an effort that the CLI would not pass on to `model`."""
    asked = request.parameters.get("output_config", {}).get("effort")
    if asked is not None and _WITHOUT_EFFORT.match(model):
        raise InvalidRequest("output_config.effort", "This model does not support the effort parameter.")


def build_settings(request: MessagesRequest, model: str, *, base_url: str, login: bool) -> dict[str, Any]:
    """All settings for one turn. `base_url` is the operator's, empty for the CLI's own; `login` is the CLI's own."""
    switches = dict(zip(_CACHING, _SWITCHES[request.system_cache], strict=True))
    own = [*_OWN_BETAS, *[_LOGIN_BETA] * login, *[_LONG_BETA] * model.endswith("[1m]")]
    body = orjson.dumps(_extra_body(request, own)).decode()
    limits = {"CLAUDE_CODE_MAX_OUTPUT_TOKENS": str(request.max_tokens), **_NO_LIMIT}
    env = {"CLAUDE_CODE_EXTRA_BODY": body, "ANTHROPIC_BASE_URL": base_url, **switches, **limits}
    return {"model": model, "env": env, "autoCompactEnabled": False}


def _extra_body(request: MessagesRequest, own_betas: Sequence[str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "max_tokens": request.max_tokens,
        # No thinking unless it is asked for, as in the API; the CLI's default budget exceeds most max_tokens.
        "thinking": {"type": "disabled"},
        **request.parameters,
    }
    if request.tools:
        body["tools"] = request.tools
    # These replace the CLI's own list, and an effort takes its beta from that list.
    if request.betas or "effort" in body.get("output_config", {}):
        body["betas"] = list(dict.fromkeys((*own_betas, *request.betas)))
    return body
