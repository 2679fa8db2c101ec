"""What a model thought, on its way through a client and back.

A block of thinking is of use to the model only as it was, with its signature. OpenAI's clients hand back the
`encrypted_content` of a reasoning item as they got it, so that it is the place for the whole block. It is opaque, not
secret: what there is to be hidden upstream has encrypted itself.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import orjson

from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import decode_object

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("thinking", "redacted_thinking")
_PREFIX = "claude-1."


def seal(block: Mapping[str, Any]) -> str | None:
    """The `encrypted_content` for a block of thinking; none for one that was cut off before its signature."""
    if block["type"] == "thinking" and not block.get("signature"):
        return None
    return _PREFIX + base64.b64encode(orjson.dumps(block)).decode()


def unseal(sealed: str, path: str) -> dict[str, Any]:
    """The block again. Raises InvalidRequest for anything but what `seal` made."""
    prefix, packed = sealed[: len(_PREFIX)], sealed[len(_PREFIX) :]
    try:
        block = decode_object(base64.b64decode(packed, validate=True)) if prefix == _PREFIX else None
    except (ValueError, InvalidRequest):
        block = None
    if block is None or block.get("type") not in KINDS:
        raise InvalidRequest(
            path, "this server takes back what its own reasoning items hold, unchanged, and this is not that"
        )
    return block
