"""The parts of an item's content, as blocks of the Messages API, each with the path of the part it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ccproxy_trio.dialects.anthropic.values import array, obj, one_of, required, string
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.dialects.openai.parts import document_block, image_block, text_block
from ccproxy_trio.dialects.openai.places import Unsupported, item
from ccproxy_trio.dialects.openai.values import known_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.dialects.openai.parts import Block, Placed
    from ccproxy_trio.dialects.openai.places import Notes

_CACHE_MARK = "prompt_cache_breakpoint"
_NO_FILES = "this server has no Files API, so that no file can be named; send its content"


def read_content(content: object, path: str, notes: Notes, *kinds: str) -> list[Placed]:
    """Read the content that stands at `path`: a string, or a list of parts of these kinds. An empty one has none.

    Raises InvalidRequest.
    """
    if isinstance(content, str):
        return [(text_block(content), path)] if content else []
    if not isinstance(content, list):
        raise InvalidRequest(path, "Input should be a valid string or list")
    return [
        _read_part(obj(part, item(path, index)), item(path, index), notes, kinds)
        for index, part in enumerate(content)
    ]


def _read_part(part: dict[str, Any], path: str, notes: Notes, kinds: tuple[str, ...]) -> Placed:
    kind = string(required(part, "type", path), f"{path}.type")
    if kind == "input_audio" and "input_image" in kinds:
        raise Unsupported(f"{path}.type", "this server does not support audio: Claude's models do not hear")
    read, *keys = _PARTS[one_of(kind, f"{path}.type", *kinds)]
    told = known_keys(part, path, "type", _CACHE_MARK, *keys)
    if _CACHE_MARK in told:
        notes.ignored.append(f"{path}.{_CACHE_MARK}")
    return read(told, path, notes), path


def _input_text(part: dict[str, Any], path: str, notes: Notes) -> Block:
    return text_block(string(required(part, "text", path), f"{path}.text"))


def _output_text(part: dict[str, Any], path: str, notes: Notes) -> Block:
    for key in ("annotations", "logprobs"):
        if array(part.get(key, []), f"{path}.{key}"):
            notes.ignored.append(f"{path}.{key}")
    return _input_text(part, path, notes)


def _refusal(part: dict[str, Any], path: str, notes: Notes) -> Block:
    return text_block(string(required(part, "refusal", path), f"{path}.refusal"))


def _input_image(part: dict[str, Any], path: str, notes: Notes) -> Block:
    _refuse_file_id(part, path)
    _ignore_detail(part, path, notes, "auto", "low", "high", "original")
    inside = f"{path}.image_url"
    return image_block(string(required(part, "image_url", path), inside), inside)


def _input_file(part: dict[str, Any], path: str, notes: Notes) -> Block:
    _refuse_file_id(part, path)
    _ignore_detail(part, path, notes, "auto", "low", "high")
    name = string(part["filename"], f"{path}.filename") if "filename" in part else None
    if "file_url" not in part:
        data = string(required(part, "file_data", path), f"{path}.file_data")
        return document_block(data, name, f"{path}.file_data")
    if "file_data" in part:
        raise InvalidRequest(f"{path}.file_url", "file_data and file_url cannot be set at the same time")
    source = {"type": "url", "url": string(part["file_url"], f"{path}.file_url")}
    return {"type": "document", "source": source, **({"title": name} if name else {})}


def _refuse_file_id(part: dict[str, Any], path: str) -> None:
    if "file_id" in part:
        raise Unsupported(f"{path}.file_id", _NO_FILES)


def _ignore_detail(part: dict[str, Any], path: str, notes: Notes, *known: str) -> None:
    if one_of(part.get("detail", "auto"), f"{path}.detail", *known) != "auto":
        notes.ignored.append(f"{path}.detail")


_PARTS: Mapping[str, tuple[Callable[[dict[str, Any], str, Notes], Block], *tuple[str, ...]]] = {
    "input_text": (_input_text, "text"),
    "output_text": (_output_text, "text", "annotations", "logprobs", "parsed"),
    "refusal": (_refusal, "refusal"),
    "input_image": (_input_image, "image_url", "file_id", "detail"),
    "input_file": (_input_file, "file_data", "file_id", "file_url", "filename", "detail"),
}
"""By type: what reads a part, and its keys. `parsed` is what the official client read out of the text beside it."""
