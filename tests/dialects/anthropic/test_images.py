"""Images: what they claim to be, they are, and nothing about them is left out in silence."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.dialects.anthropic.bodies import (
    EXTRA,
    PNG,
    STRING,
    assistant,
    call,
    document,
    image,
    parse,
    refused,
    result,
    user,
)

BEGINNINGS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF89a",
    "image/webp": b"RIFF\0\0\0\0WEBP",
}
SOURCE = "messages.0.content.0.image.source"


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize("media_type", BEGINNINGS)
@pytest.mark.parametrize("rest", [b"", b"x", bytes(100)])
def test_each_type_is_known_by_its_beginning(media_type: str, rest: bytes) -> None:
    block = image(encoded(BEGINNINGS[media_type] + rest), media_type)
    assert parse(messages=[user(block)]).messages[0].content == (block,)


def test_the_older_gif() -> None:
    assert parse(messages=[user(image(encoded(b"GIF87a"), "image/gif"))])


@pytest.mark.parametrize("named", BEGINNINGS)
@pytest.mark.parametrize("real", BEGINNINGS)
def test_one_of_another_type_is_refused(named: str, real: str) -> None:
    if named != real:
        assert refused(messages=[user(image(encoded(BEGINNINGS[real]), named))]) == (
            f"{SOURCE}.base64: The image was specified using the {named} media type, but the image appears to be a "
            f"{real} image"
        )


def test_line_breaks_in_base64_are_no_mistake() -> None:
    for at in range(len(PNG)):
        block = image(f"{PNG[:at]}\r\n{PNG[at:]}\n")
        assert parse(messages=[user(block)]).messages[0].content == (block,)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", f"{SOURCE}.base64.data: String should have at least 1 character"),
        (" \n", f"{SOURCE}.base64.data: String should have at least 1 character"),
        (None, f"{SOURCE}.base64.data: {STRING}"),
        *(
            (data, f"{SOURCE}.base64.data: invalid base64 data")
            for data in ("iVB", "i=VB", "é", "iVBO-_==", "=")
        ),
        (encoded(b"BM bitmap"), f"{SOURCE}.base64: Could not process image"),
        (encoded(b"RIFF\0\0\0\0WAVE"), f"{SOURCE}.base64: Could not process image"),
        (encoded(b"\x89"), f"{SOURCE}.base64: Could not process image"),
    ],
)
def test_what_is_no_image_is_refused(data: Any, message: str) -> None:
    assert refused(messages=[user(image(data))]) == message


def test_inside_a_result_and_a_document_it_is_judged_as_well() -> None:
    broken = image(encoded(b"no image"))
    inside = "source.base64: Could not process image"
    round_of_tools = [user("a"), assistant(call()), user(result(content=[broken]))]
    assert refused(messages=round_of_tools) == f"messages.2.content.0.tool_result.content.0.image.{inside}"
    page = document("content")
    page["source"]["content"] = [broken]
    assert refused(messages=[user(page)]) == (
        f"messages.0.content.0.document.source.content.content.0.image.{inside}"
    )


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (image(hologram=None), f"messages.0.content.0.image.hologram: {EXTRA}"),
        (
            image(transformations={"oversized": "downscale"}),
            "messages.0.content.0.image.transformations: this server cannot carry this key: the CLI leaves it out",
        ),
        (
            {"type": "image", "source": {**image()["source"], "detail": "high"}},
            f"{SOURCE}.base64.detail: {EXTRA}",
        ),
        (
            image(media_type="image/bmp"),
            f"{SOURCE}.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'",
        ),
        ({"type": "image", "source": {"type": "url"}}, f"{SOURCE}.url.url: Field required"),
        ({"type": "image", "source": {"type": "url", "url": 1}}, f"{SOURCE}.url.url: {STRING}"),
        ({"type": "image", "source": {"type": "text"}}, f"{SOURCE}.type: Input should be 'base64' or 'url'"),
    ],
)
def test_keys_and_sources(block: dict[str, Any], message: str) -> None:
    assert refused(messages=[user(block)]) == message


def test_what_an_image_by_url_has_besides_is_carried() -> None:
    block = {
        "type": "image",
        "transformations": {},
        "source": {"type": "url", "url": "https://example.org/a"},
    }
    assert parse(messages=[user(block)]).messages[0].content == (block,)
    assert parse(messages=[user(image(transformations=None))]).ignored == ()
