"""The names that the Messages API knows: those this server does not carry, with the reason, and the tools.

What is not carried is refused by name, so that a program learns at once what it cannot have; a name that no list
holds is refused as the API itself refuses it. From the official client's parameter types, beta ones included.
"""

from __future__ import annotations

UNSUPPORTED_FIELDS = {
    "billing_policy": "the bill is the operator's",
    "compaction": "an answer here is a message, and the history is the client's to shorten",
    "container": "containers outlive a request, and this server keeps nothing between two",
    "fallback_credit_token": "a request is answered by the model it names",
    "fallbacks": "a request is answered by the model it names",
    "mcp_servers": "the CLI breaks off answers in which the MCP connector is used",
    "thread": "this server keeps nothing between two requests",
}
"""Fields of the body that are refused, and why."""

REFUSAL_CODES = {"thread": "thread_unsupported_request"}
"""What the API calls the refusal of a field, where programs act on it: the official client's tool runner asks for a
thread, and goes on without one when it reads this."""

NULLABLE_FIELDS = frozenset(
    {
        "billing_policy",
        "cache_control",
        "compaction",
        "container",
        "context_management",
        "diagnostics",
        "fallback_credit_token",
        "fallbacks",
        "inference_geo",
        "speed",
        "thread",
    }
)
"""Those fields that the API takes as null, with the same meaning as leaving them out."""

UNSUPPORTED_BLOCKS = frozenset(
    {
        "advisor_tool_result",
        "browser_state",
        "compaction",
        "container_upload",
        "fallback",
        "mcp_tool_listing",
        "mcp_tool_result",
        "mcp_tool_use",
        "tool_addition",
        "tool_reference",
        "tool_removal",
    }
)

UNSUPPORTED_TOOLS = {
    "advisor": "the CLI has no such tool, and its results could not be sent back",
    "browser_toolset": "the CLI leaves `toolset_name` out of the calls in a history",
    "computer_toolset": "the CLI leaves `toolset_name` out of the calls in a history",
    "mcp_toolset": "the CLI breaks off answers in which the MCP connector is used",
}
"""Tools that are refused, and why: their types without the date."""

CLIENT_TOOLS = frozenset({"bash", "computer", "memory", "text_editor"})
"""Tools that Anthropic defined and the client runs: their types without the date."""

SERVER_TOOLS = frozenset(
    {
        "code_execution",
        "tool_search_tool_bm25",
        "tool_search_tool_regex",
        "web_fetch",
        "web_search",
    }
)
"""Tools that the upstream API runs: their types without the date."""
