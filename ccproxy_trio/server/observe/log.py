"""One line of the log for each request, when it has ended."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .record import RequestRecord

log = logging.getLogger("ccproxy_trio.requests")

_APIS = ("/v1/", "/openai/")


def log_request(record: RequestRecord) -> None:
    """Log it: an API's at INFO; a page that went well at DEBUG, as some are asked for every second."""
    uneventful = record.outcome == "ok" and not record.endpoint.startswith(_APIS)
    level = logging.DEBUG if uneventful else logging.INFO
    if log.isEnabledFor(level):
        told = {name: value for name, value in _fields(record).items() if value is not None}
        log.log(level, "%s %s %s", record.method, record.endpoint, record.outcome, extra=told)


def _fields(record: RequestRecord) -> dict[str, Any]:
    account = record.stages.account
    stages = {f"{name}_ms": _milliseconds(began, end) for name, began, end in record.stages.spans()}
    return {
        "request_id": record.id,
        "status": record.status,
        "outcome": record.outcome,
        "key": record.key,
        "model": record.model,
        "stream": record.stream or None,
        "error": record.error,
        "duration_ms": _milliseconds(record.began, record.ended),
        **stages,
        "first_token_ms": _milliseconds(record.began, record.stages.first_token),
        "input_tokens": account.input_tokens,
        "output_tokens": account.output_tokens,
        "cache_read_tokens": account.cache_read_tokens,
        "cache_creation_tokens": account.cache_creation_tokens,
        "upstream_id": record.upstream_id,
    }


def _milliseconds(began: float, end: float | None) -> float | None:
    return None if end is None else round((end - began) * 1000, 1)
