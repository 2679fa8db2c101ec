"""The parts that a message's content is made of, as blocks of the Messages API.

Each block comes with the path of the part it was made from. What is part of a conversation is carried or refused,
and never left out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from ccproxy_trio.dialects.anthropic.losses import BYTE_ORDER_MARK
from ccproxy_trio.dialects.anthropic.values import obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.json_body import shorten
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.dialects.openai.places import Notes

Block: TypeAlias = dict[str, Any]
Placed: TypeAlias = tuple[Block, str]
"""A block, and the path of what it was made from."""
PartReaders: TypeAlias = (
    "Mapping[str, tuple[Callable[[dict[str, Any], str, Notes], Block], *tuple[str, ...]]]"
)
"""By type: what makes the block of a part, which has no nulls, and the part's keys."""

_MEDIA_TYPE = re.compile(r"[\w.+/-]*", re.ASCII)
_WEB_URL = re.compile(r"https?://", re.IGNORECASE)
_MISNAMED = {"image/jpg": "image/jpeg"}
_CACHE_MARK = "prompt_cache_breakpoint"


def read_content(content: object, path: str, notes: Notes, parts: PartReaders, *kinds: str) -> list[Placed]:
    """Read the content that stands at `path`: a string, or a list of parts of these kinds. An empty one has none.

    Raises InvalidRequest.
    """
    if isinstance(content, str):
        return [(text_block(content), path)] if content else []
    if not isinstance(content, list):
        raise InvalidRequest(path, "Input should be a valid string or list")
    return [_read_part(part, item(path, index), notes, parts, kinds) for index, part in enumerate(content)]


def text_block(text: str) -> Block:
    """A block of text."""
    return {"type": "text", "text": text}


def without_blanks(blocks: list[Placed], notes: Notes) -> list[Placed]:
    """What the assistant said, in texts. Models write white space before their calls: that is not taken back."""
    said = []
    for block, origin in blocks:
        if block["text"].replace(BYTE_ORDER_MARK, " ").strip():
            said.append((block, origin))
        else:
            notes.ignored.append(origin)
    return said


def decode_data_url(url: str, path: str) -> tuple[str, str]:
    """The media type and the base64 of a URL that holds its data."""
    head, _, data = url.partition(",")
    scheme, _, rest = head.lower().partition(":")
    media_type, _, parameters = rest.partition(";")
    if scheme != "data" or not _MEDIA_TYPE.fullmatch(media_type) or not f";{parameters}".endswith(";base64"):
        raise InvalidRequest(path, "Input should be a URL of the form data:MEDIA_TYPE;base64,DATA")
    return _MISNAMED.get(media_type, media_type), data


def image_block(url: str, path: str) -> Block:
    """The image that a URL names or holds."""
    if _WEB_URL.match(url):
        return {"type": "image", "source": {"type": "url", "url": url}}
    if not url[:5].lower() == "data:":
        raise InvalidRequest(
            path, f"Input should be a URL of http, https or data, and {shorten(url)!r} is not"
        )
    media_type, data = decode_data_url(url, path)
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}


def document_block(file_data: str, filename: str | None, path: str) -> Block:
    """The PDF that a data URL holds."""
    media_type, data = decode_data_url(file_data, path)
    if media_type != "application/pdf":
        raise Unsupported(path, f"this server carries files of application/pdf, not {shorten(media_type)}")
    source = {"type": "base64", "media_type": media_type, "data": data}
    title = {"title": filename} if filename else {}
    return {"type": "document", "source": source, **title}


def read_text(part: dict[str, Any], path: str, notes: Notes) -> Block:
    """A part that is text."""
    return text_block(string(required(part, "text", path), f"{path}.text"))


def read_refusal(part: dict[str, Any], path: str, notes: Notes) -> Block:
    """A part that says why there is no more; to the Messages API it is text."""
    return text_block(string(required(part, "refusal", path), f"{path}.refusal"))


def refuse_file_id(held: dict[str, Any], path: str) -> None:
    """Raise Unsupported for a file that is named, and not sent."""
    if "file_id" in held:
        raise Unsupported(
            f"{path}.file_id", "this server has no Files API, so that no file can be named; send its content"
        )


def ignore_detail(held: dict[str, Any], path: str, notes: Notes, *known: str) -> None:
    """How closely to look, which is for upstream to know."""
    if one_of(held.get("detail", "auto"), f"{path}.detail", *known) != "auto":
        notes.ignored.append(f"{path}.detail")


def _read_part(value: object, path: str, notes: Notes, parts: PartReaders, kinds: tuple[str, ...]) -> Placed:
    part = obj(value, path)
    kind = string(required(part, "type", path), f"{path}.type")
    if kind == "input_audio":
        raise Unsupported(f"{path}.type", "this server does not support audio: Claude's models do not hear")
    read, *keys = parts[one_of(kind, f"{path}.type", *kinds)]
    told = known_keys(part, path, "type", _CACHE_MARK, *keys)
    if _CACHE_MARK in told:
        notes.ignored.append(f"{path}.{_CACHE_MARK}")
    return read(told, path, notes), path


def _image_url(part: dict[str, Any], path: str, notes: Notes) -> Block:
    inner = f"{path}.image_url"
    image = known_keys(required(part, "image_url", path), inner, "url", "detail")
    ignore_detail(image, inner, notes, "auto", "low", "high", "original")
    return image_block(string(required(image, "url", inner), f"{inner}.url"), f"{inner}.url")


def _file(part: dict[str, Any], path: str, notes: Notes) -> Block:
    inner = f"{path}.file"
    file = known_keys(required(part, "file", path), inner, "file_data", "file_id", "filename")
    refuse_file_id(file, inner)
    data = string(required(file, "file_data", inner), f"{inner}.file_data")
    name = string(file["filename"], f"{inner}.filename") if "filename" in file else None
    return document_block(data, name, f"{inner}.file_data")


PARTS: PartReaders = {
    "text": (read_text, "text"),
    "refusal": (read_refusal, "refusal"),
    "image_url": (_image_url, "image_url"),
    "file": (_file, "file"),
}
"""The parts of a chat completion's messages."""
