"""The parts of an item's content, as blocks of the Messages API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parts import (
    document_block,
    ignore_detail,
    image_block,
    read_refusal,
    read_text,
    refuse_file_id,
)

if TYPE_CHECKING:
    from ccproxy_trio.dialects.openai.parts import Block, PartReaders
    from ccproxy_trio.dialects.openai.places import Notes


def _output_text(part: dict[str, Any], path: str, notes: Notes) -> Block:
    for key in ("annotations", "logprobs"):
        if array(part.get(key, []), f"{path}.{key}"):
            notes.ignored.append(f"{path}.{key}")
    return read_text(part, path, notes)


def _input_image(part: dict[str, Any], path: str, notes: Notes) -> Block:
    refuse_file_id(part, path)
    ignore_detail(part, path, notes, "auto", "low", "high", "original")
    inside = f"{path}.image_url"
    return image_block(string(required(part, "image_url", path), inside), inside)


def _input_file(part: dict[str, Any], path: str, notes: Notes) -> Block:
    refuse_file_id(part, path)
    ignore_detail(part, path, notes, "auto", "low", "high")
    name = string(part["filename"], f"{path}.filename") if "filename" in part else None
    if "file_url" not in part:
        data = string(required(part, "file_data", path), f"{path}.file_data")
        return document_block(data, name, f"{path}.file_data")
    if "file_data" in part:
        raise InvalidRequest(f"{path}.file_url", "file_data and file_url cannot be set at the same time")
    source = {"type": "url", "url": string(part["file_url"], f"{path}.file_url")}
    return {"type": "document", "source": source, **({"title": name} if name else {})}


PARTS: PartReaders = {
    "input_text": (read_text, "text"),
    "output_text": (_output_text, "text", "annotations", "logprobs", "parsed"),
    "refusal": (read_refusal, "refusal"),
    "input_image": (_input_image, "image_url", "file_id", "detail"),
    "input_file": (_input_file, "file_data", "file_id", "file_url", "filename", "detail"),
}
"""`parsed` is what the official client read out of the text beside it."""
