"""What a client does wrong before an instance is asked for, and what it must be told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import frozen

from .numbers import BODY_TIMEOUT, LARGEST_BODY
from .truths import Truth

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_REFUSED = "refused"


@frozen
class Mistake:
    """A request gone wrong: what is other in it than in a good one."""

    truth: Truth
    body: Callable[[dict[str, Any]], bytes] | None = None
    """What is sent in the place of this good body."""
    headers: Mapping[str, str] = {}
    method: str = "POST"
    path: str = ""
    """What is behind the right path."""
    missing: int = 0
    """Bytes of the body that are announced, and never come."""
    raw: bytes = b""
    """All that is sent, if it is no request at all."""


def _refused(status: int, message: str, least: float = 0.0) -> Truth:
    return Truth(status, message, _REFUSED, least)


def _with_too_much(body: dict[str, Any]) -> bytes:
    return json.dumps({**body, "unheard_of": 1}).encode()


def _cut_short(body: dict[str, Any]) -> bytes:
    return json.dumps(body).encode()[:-3]


def _too_large(body: dict[str, Any]) -> bytes:
    return json.dumps({**body, "metadata": {"user_id": "x" * LARGEST_BODY}}).encode()


def _of_no_sense(body: dict[str, Any]) -> bytes:
    return json.dumps({**body, "stream": "perhaps"}).encode()


def _get(*headers: str, version: str = "1.1") -> bytes:
    return (
        "\r\n".join([f"GET /v1/messages HTTP/{version}", "Host: localhost", *headers]).encode() + b"\r\n\r\n"
    )


_NO_HTTP = _refused(400, r"this is no request of HTTP/1\.0 or HTTP/1\.1, or its target is no path")
_OTHER_HTTP = _refused(505, r"this server speaks HTTP/1\.1 and HTTP/1\.0 only")
_WEBSOCKET = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: eA==",
)

MISTAKES: tuple[Mistake, ...] = (
    Mistake(_refused(400, r"The request body is not valid JSON: .*"), _cut_short),
    Mistake(_refused(400, r"The request body is not valid JSON: .*"), lambda _: b"[" * 50_000),
    Mistake(_refused(400, r"The request body must be a JSON object"), lambda _: b"[]"),
    Mistake(_refused(400, r".*\bunheard_of\b.*"), _with_too_much),
    Mistake(_refused(400, r"stream: Input should be a valid boolean"), _of_no_sense),
    Mistake(_refused(413, r"POST [\w/]+: the request's body is larger than this server takes"), _too_large),
    Mistake(
        _refused(408, r"POST [\w/]+: the request's body did not arrive in time", least=BODY_TIMEOUT),
        missing=100,
    ),
    Mistake(
        _refused(400, r"content-encoding: this server takes no encoded bodies, .*"),
        headers={"content-encoding": "gzip"},
    ),
    Mistake(_refused(405, r"DELETE [\w/]+: this endpoint does not take this method"), method="DELETE"),
    Mistake(_refused(404, r"POST [\w/]+/nowhere: this server has no such endpoint"), path="/nowhere"),
)

UNSPOKEN: tuple[Mistake, ...] = (
    Mistake(_OTHER_HTTP, raw=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
    Mistake(_NO_HTTP, raw=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))),
    Mistake(_NO_HTTP, raw=b"EHLO example.com\r\n\r\n"),
    Mistake(_refused(501, r"this server offers no upgrade to WebSocket.*"), raw=_get(*_WEBSOCKET)),
    Mistake(
        _refused(431, r"the request's head is larger than this server takes"), raw=_get("X: " + "v" * 100_000)
    ),
)
"""What is no request that anybody could be let in with; it is refused without a look at keys."""

NO_KEY = _refused(401, r"x-api-key header is required|You didn't provide an API key\..*")
WRONG_KEY = _refused(401, r"invalid x-api-key|Incorrect API key provided\.")
EXPIRED_KEY = _refused(401, r"this key has expired")
NO_MODEL = _refused(403, r"this key may not use the model: opus")
