"""How a turn ends: what the CLI says of the last answer, or of a failure of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .models import say_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .answer import Answer
    from .directives import Json

INVALID_URL = "API Error: Invalid URL"
LOST = "API Error: Connection to the API was lost (ECONNRESET). This is usually temporary — try again."
_LAST = frozenset({"text", "thinking", "redacted_thinking"})


def says_something(content: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there is anything in an answer for a reader to see, or a tool to call."""
    return any(
        block["type"] == "tool_use" or (block["type"] == "text" and block["text"].strip())
        for block in content
    )


def tell_outcome(answer: Answer) -> Json:
    """What the CLI makes of the last answer; one that ends with neither text nor thinking it takes for a mistake."""
    if answer.stop_reason == "refusal":
        text = refusal_text(answer)
        return {"is_error": True, "result": text, "terminal_reason": "api_error", "api_error_status": None}
    last = answer.content[-1] if answer.content else {"type": "n/a"}
    if last["type"] in _LAST:
        text = last.get("text", "")
        return {"is_error": False, "result": text, "terminal_reason": "completed", "api_error_status": None}
    known = f"last_content_type={last['type']} stop_reason={answer.stop_reason}"
    errors = {"errors": [f"[ede_diagnostic] result_type=assistant {known}"]}
    return {"subtype": "error_during_execution", "is_error": True, **errors, "terminal_reason": "completed"}


def refusal_text(answer: Answer) -> str:
    return f"API Error: {say_name(answer.model)} can't help with this. Start a new session to continue."


def failure_kind(status: int | None) -> str:
    if status is None or status >= 500:
        return "server_error"
    known = {401: "authentication_failed", 403: "authentication_failed", 404: "model_not_found"}
    return {**known, 413: "invalid_request", 429: "rate_limit"}.get(status, "unknown")


def failure_text(status: int, message: str, model: str) -> str:
    match status:
        case 401 | 403:
            return f"Failed to authenticate. API Error: {status} {message}"
        case 404:
            return f"There's an issue with the selected model ({model}). It may not exist."
        case 413:
            return "Request too large (max 32MB)."
        case 429:
            return f"API Error: Request rejected (429) · {message}"
        case _ if status >= 500:
            return f"API Error: {status} {message}. This is a server-side issue, usually temporary."
        case _:
            return f"API Error: {status} {message}"
