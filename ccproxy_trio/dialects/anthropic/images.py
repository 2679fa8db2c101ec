"""Images that a request holds: what they claim to be, they are, as far as their first bytes tell.

The CLI reads each image itself, corrects a wrong media type, puts a note in the place of one that it cannot read, and
leaves out every key that it does not know. The API refuses all three, and so does this server where it can see it.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from ccproxy_trio.dialects.anthropic.values import EXTRA, one_of, required, string, within
from ccproxy_trio.dialects.failures import InvalidRequest

MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_BEGINNING = 24  # characters of base64: 18 bytes


def check_image_data(source: dict[str, Any], path: str) -> None:
    """Check a source of type base64, which stands at `path`. Raises InvalidRequest."""
    media_type = one_of(required(source, "media_type", path), f"{path}.media_type", *MEDIA_TYPES)
    # The CLI, too, takes no notice of line breaks, which the program `base64` puts in.
    data = "".join(string(required(source, "data", path), f"{path}.data").split())
    _check_base64(data, f"{path}.data")
    found = _media_type(base64.b64decode(data[:_BEGINNING]))
    if found is None:
        raise InvalidRequest(path, "Could not process image")
    if found != media_type:
        raise InvalidRequest(
            path,
            f"The image was specified using the {media_type} media type, but the image appears to be a {found} image",
        )


def refuse_image_keys(block: dict[str, Any], path: str) -> None:
    """Raise InvalidRequest for a key of an image, or of its source of type base64, that would be left out."""
    for key, value in block.items():
        if key == "transformations" and value is not None:
            raise InvalidRequest(f"{path}.{key}", "this server cannot carry this key: the CLI leaves it out")
        if key not in ("type", "source", "cache_control", "transformations"):
            raise InvalidRequest(within(path, key), EXTRA)
    for key in block["source"]:
        if key not in ("type", "media_type", "data"):
            raise InvalidRequest(within(f"{path}.source.base64", key), EXTRA)


def _check_base64(data: str, path: str) -> None:
    if not data:
        raise InvalidRequest(path, "String should have at least 1 character")
    try:
        binascii.a2b_base64(data, strict_mode=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(path, "invalid base64 data") from None


def _media_type(beginning: bytes) -> str | None:
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP":
        return "image/webp"
    return None
