"""What one turn tells the CLI: everything, every time."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from ccproxy_trio.claude.turn_settings import GUARD, build_settings, refuse_effort
from ccproxy_trio.dialects.anthropic import MessagesRequest, read_request
from ccproxy_trio.dialects.failures import InvalidRequest

OWN = ["claude-code-20250219", "interleaved-thinking-2025-05-14", "effort-2025-11-24"]


def request(**fields: Any) -> MessagesRequest:
    return read_request(
        {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}], **fields}
    )


def extra_body(asked: MessagesRequest, model: str = "m", *, login: bool = False) -> dict[str, Any]:
    settings = build_settings(asked, model, base_url="", login=login)
    body: dict[str, Any] = json.loads(settings["env"]["CLAUDE_CODE_EXTRA_BODY"])
    return body


def test_a_plain_turn_undoes_whatever_was_set_before() -> None:
    assert build_settings(request(), "opus", base_url="http://api", login=False) == {
        "model": "opus",
        "env": {
            "CLAUDE_CODE_EXTRA_BODY": '{"max_tokens":9,"thinking":{"type":"disabled"}}',
            "ANTHROPIC_BASE_URL": "http://api",
            "DISABLE_PROMPT_CACHING": "1",
            "ENABLE_PROMPT_CACHING_1H": "",
            "CLAUDE_CODE_MAX_OUTPUT_TOKENS": "9",
            "CLAUDE_CODE_BLOCKING_LIMIT_OVERRIDE": "1000000000",
        },
        "autoCompactEnabled": False,
    }


def test_every_turn_gives_back_what_the_guard_took() -> None:
    told = build_settings(request(), "m", base_url="", login=False)["env"]
    assert GUARD["env"].keys() <= told.keys()
    assert told["ANTHROPIC_BASE_URL"] == ""


def test_parameters_and_tools_go_as_they_are() -> None:
    tools = [{"name": "b", "input_schema": {"type": "object"}}, {"type": "bash_20250124", "name": "bash"}]
    fields = {"temperature": 0.25, "top_k": 5, "tools": tools, "tool_choice": {"type": "any"}}
    body = extra_body(request(**fields, thinking={"type": "adaptive"}))
    assert body == {"max_tokens": 9, "thinking": {"type": "adaptive"}, **fields}


@pytest.mark.parametrize(
    ("mark", "switches"),
    [(None, ("1", "")), ({"type": "ephemeral"}, ("", "")), ({"type": "ephemeral", "ttl": "1h"}, ("", "1"))],
)
def test_a_mark_on_the_system_prompt_switches_on_the_clis_own(
    mark: dict[str, str] | None, switches: tuple[str, str]
) -> None:
    asked = request(system=[{"type": "text", "text": "S", "cache_control": mark}])
    env = build_settings(asked, "m", base_url="", login=False)["env"]
    assert (env["DISABLE_PROMPT_CACHING"], env["ENABLE_PROMPT_CACHING_1H"]) == switches


def test_a_clients_betas_stand_behind_the_clis_own() -> None:
    asked = attrs.evolve(request(), betas=("new-1", "effort-2025-11-24"))
    assert extra_body(asked)["betas"] == [*OWN, "new-1"]
    assert extra_body(asked, login=True)["betas"] == [*OWN, "oauth-2025-04-20", "new-1"]
    assert extra_body(asked, "claude-x[1m]")["betas"] == [*OWN, "context-1m-2025-08-07", "new-1"]
    assert "betas" not in extra_body(request())
    assert extra_body(request(output_config={"effort": "low"}))["betas"] == OWN


@pytest.mark.parametrize(
    ("model", "refused"),
    [
        ("claude-sonnet-4-5", True),
        ("claude-sonnet-4-5-20250929", True),
        ("claude-haiku-4-5", True),
        ("claude-opus-4-1-20250805", True),
        ("claude-sonnet-4-20250514", True),
        ("claude-3-5-haiku-latest", True),
        ("claude-opus-4-5", False),
        ("claude-sonnet-5-5", False),
        ("sonnet", False),
        ("of-tomorrow", False),
    ],
)
def test_an_effort_that_would_be_left_out_is_refused(model: str, *, refused: bool) -> None:
    asked = request(output_config={"effort": "low"})
    if refused:
        with pytest.raises(InvalidRequest, match=r"^output_config\.effort: This model does not support"):
            refuse_effort(asked, model)
    else:
        refuse_effort(asked, model)
    refuse_effort(request(output_config={"effort": None}), model)
    refuse_effort(request(), model)
