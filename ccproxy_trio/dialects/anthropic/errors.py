"""A failure as the Anthropic API would say it: as a whole response, or as an event in a stream already begun.

The types are those of the API's error page, by status. What that page does not name is an
`invalid_request_error` below 500, as it says, and an `api_error` from 500 on. A type that upstream itself
gave is passed on as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.sse import encode_event

if TYPE_CHECKING:
    from ccproxy_trio.dialects.failures import Failure

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    502: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}

STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status of each type, as the error page pairs them: for an error that came as an event, and so without one."""


def error_type(failure: Failure) -> str:
    """The `error.type` that a client of the Anthropic API sees."""
    if failure.kind is not None:
        return failure.kind
    return TYPES.get(failure.status) or ("invalid_request_error" if failure.status < 500 else "api_error")


def error_response(
    failure: Failure, request_id: str | None = None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """The status, headers and body of a response that tells of `failure`.

    `request_id` is this server's own id for the request: used where upstream gave none.
    """
    request_id = failure.request_id or request_id
    headers = [("content-type", "application/json")]
    if request_id is not None:
        headers.append(("request-id", request_id))
    if (retry_after := failure.retry_after_header()) is not None:
        headers.append(("retry-after", retry_after))
    return failure.status, headers, _body(failure, request_id)


def error_event(failure: Failure, request_id: str | None = None) -> bytes:
    """The `error` event that ends a stream which `failure` has cut; the same body as the response's."""
    return encode_event("error", _body(failure, failure.request_id or request_id))


def _body(failure: Failure, request_id: str | None) -> bytes:
    # A message may quote what a process wrote, and so hold surrogates that are no UTF-8.
    message = failure.message.encode(errors="replace").decode()
    error: dict[str, Any] = {"type": error_type(failure), "message": message}
    if failure.code is not None:
        error["details"] = {"error_code": failure.code}
    return orjson.dumps({"type": "error", "error": error, "request_id": request_id})
