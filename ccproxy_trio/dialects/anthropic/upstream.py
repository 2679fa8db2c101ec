"""What the CLI says when an API request fails, back to what the API had said.

The CLI reports a failed request as a result that looks like success but for a status and a text for people.
Its texts changed with its versions: older ones quote the API's JSON, newer ones (2.1.330) dress its message up,
and name its type and request id on the synthetic assistant frame before the result:

    API Error: 429 {"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}
    API Error: Request rejected (429) · Slow down
    Failed to authenticate. API Error: 403 Your API key does not have permission …
    API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment. …

Rules: JSON wins, with upstream's own type, message and request id. Else the dressing is taken off (`cli_texts`
says of what); the status comes from the result, the text, upstream's type, or the CLI's error category, in that
order, and a text not known here is kept as it is. The answer must make sense to a client that never saw the CLI,
and never shows a key.
"""

from __future__ import annotations

import json
import re
from typing import Any

from ccproxy_trio.dialects.failures import Failure

from .cli_texts import NOT_THE_CLIENTS, find_setup_fault, undress
from .errors import STATUSES

_CATEGORY_STATUS = {
    "account_on_hold": 403,
    "authentication_failed": 401,
    "billing_error": 402,
    "cloud_credential_error": 401,
    "invalid_request": 400,
    "model_not_found": 404,
    "oauth_org_not_allowed": 403,
    "overloaded": 529,
    "rate_limit": 429,
    "verification_required": 403,
}
"""By the CLI's error category, for failures with neither a status nor a type: they never reached the API."""

_DRESSING = re.compile(
    r"(?:.*?(?:\. | · ))??API Error: (?:(?P<status>\d{3})\b ?|"
    r"(?:Request rejected \((?P<rejected>\d{3})\)|"
    r"Server is temporarily limiting requests \(not your usage limit\)) · )?",
    re.DOTALL,
)
_SECRET = re.compile(r"\b(?:sk-ant-[\w-]+|Bearer\s+[\w.~+/=-]+)")
_MAX_MESSAGE = 4000


def failure_from_result(
    status: int | None,
    text: str,
    error: str | None = None,
    retry_after: float | None = None,
    *,
    kind: str | None = None,
    request_id: str | None = None,
) -> Failure:
    """Tell what failed, from a result frame that is an error.

    `status` is the frame's `api_error_status`, `text` its `result`, `retry_after` seconds if they are known. The
    rest is from the synthetic assistant frame before it: `error`, `kind` (its `api_error_type`), `request_id`.
    """
    dressing = _DRESSING.match(text)
    if status is None and dressing is not None and (told := dressing["status"] or dressing["rejected"]):
        status = int(told)
    bare = text if dressing is None else text[dressing.end() :]
    answered = status is not None and 400 <= status <= 599
    if (quoted := _quoted_error(text)) is not None:
        kind = quoted["error"].get("type", kind)
        request_id = quoted.get("request_id", request_id)
        message = quoted["error"]["message"]
    elif (fault := find_setup_fault(text)) is not None:
        status, message = (status if answered else fault[0]), fault[1]
    else:
        message = undress(bare)
        if status == 401 and "/login" in text:
            message += NOT_THE_CLIENTS
    kind = fit_identifier(kind)
    if status is None or not 400 <= status <= 599:
        status = STATUSES.get(kind or "") or _CATEGORY_STATUS.get(error or "") or (500 if kind else 502)
        if kind is None and status == 502:
            happened = "got no answer from the API" if error == "server_error" else "failed"
            message = f"The CLI {happened}: {message or 'it does not say why'}"
    message = _SECRET.sub("[redacted]", message).strip() or f"The API answered {status} without a message"
    if len(message) > _MAX_MESSAGE:
        message = f"{message[:_MAX_MESSAGE]}…"
    soon = retry_after if status == 429 else None  # the login's limit has nothing to do with other failures
    return Failure(status, message, soon, kind=kind, request_id=fit_identifier(request_id))


def _quoted_error(text: str) -> dict[str, Any] | None:
    """The API's error body, if the text quotes it."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        body, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    told = body.get("error")
    return body if isinstance(told, dict) and isinstance(told.get("message"), str) else None


def fit_identifier(value: object) -> str | None:
    """A name fit for a header, or None."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w-]{1,100}", value, re.ASCII) else None
