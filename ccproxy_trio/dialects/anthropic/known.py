"""The names that the Messages API knows, and this server does not carry yet.

They are refused by name, so that a program learns at once what it cannot have; a name that neither list holds
is refused as the API itself refuses it. Carrying one more means taking it from here, reading it beside the
others, and changing its row in docs/compatibility.md. From the official client's parameter types, beta ones
included.
"""

from __future__ import annotations

UNSUPPORTED_FIELDS = frozenset(
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
        "mcp_servers",
        "metadata",
        "output_config",
        "output_format",
        "service_tier",
        "speed",
        "stop_sequences",
        "temperature",
        "thinking",
        "thread",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)

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
    }
)
"""Those of them that the API takes as null, with the same meaning as leaving them out."""

UNSUPPORTED_BLOCKS = frozenset(
    {
        "advisor_tool_result",
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "compaction",
        "container_upload",
        "document",
        "fallback",
        "image",
        "mcp_tool_listing",
        "mcp_tool_result",
        "mcp_tool_use",
        "redacted_thinking",
        "search_result",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "thinking",
        "tool_addition",
        "tool_reference",
        "tool_removal",
        "tool_result",
        "tool_search_tool_result",
        "tool_use",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)

UNSUPPORTED_TEXT_KEYS = frozenset({"cache_control", "citations"})
"""Of a text block. Null is the same as leaving them out: an answer sent back holds ``"citations": null``."""
