"""Images and files in a message, as they reach the API."""

from __future__ import annotations

import base64
from typing import Any

import openai
import pytest

from tests.sdk.openai.asking import ASKING, DUMP, check_received, said, user
from tests.sdk.test_requests import png

PDF = base64.b64encode(b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n%%EOF\n").decode()
TEXT = {"type": "text", "text": DUMP}
LINK = "https://example.com/a.png?b=c#d"


def held(media_type: str, data: str) -> str:
    """A URL that holds its data."""
    return f"data:{media_type};base64,{data}"


def source(media_type: str, data: str) -> dict[str, Any]:
    """The same as the Messages API has it."""
    return {"type": "base64", "media_type": media_type, "data": data}


def test_images(client: openai.OpenAI) -> None:
    one, two = (base64.b64encode(png(*size)).decode() for size in ((8, 8), (16, 9)))
    content = [
        {"type": "image_url", "image_url": {"url": held("image/png", one)}},
        {"type": "text", "text": "or"},
        {"type": "image_url", "image_url": {"url": LINK, "detail": "auto"}},
        {"type": "image_url", "image_url": {"url": held("image/png", two), "detail": "high"}},
        TEXT,
    ]
    raw = client.chat.completions.with_raw_response.create(**ASKING, messages=[user(content)])
    assert raw.headers["x-ccproxy-ignored"] == "messages.[0].content.[3].image_url.detail"
    blocks = [
        {"type": "image", "source": source("image/png", one)},
        {"type": "text", "text": "or"},
        {"type": "image", "source": {"type": "url", "url": LINK}},
        {"type": "image", "source": source("image/png", two)},
        TEXT,
    ]
    check_received(raw.parse(), messages=[user(blocks)])


def test_files(client: openai.OpenAI) -> None:
    file = {"filename": "a.pdf", "file_data": held("application/pdf", PDF)}
    completion = client.chat.completions.create(
        **ASKING, messages=[user([{"type": "file", "file": file}, TEXT])]
    )
    document = {"type": "document", "source": source("application/pdf", PDF), "title": "a.pdf"}
    check_received(completion, messages=[user([document, TEXT])])


def test_images_of_earlier(client: openai.OpenAI) -> None:
    """What was shown once is shown again with the history."""
    image = base64.b64encode(png(8, 8)).decode()
    shown = user([{"type": "image_url", "image_url": {"url": held("image/png", image)}}])
    answer = client.chat.completions.create(**ASKING, messages=[shown])
    assert said(answer) == "Demo echo: [image]"
    messages: list[Any] = [shown, answer.choices[0].message, user(DUMP)]
    block = {"type": "image", "source": source("image/png", image)}
    due = [user([block]), {"role": "assistant", "content": "Demo echo: [image]"}, user(DUMP)]
    check_received(client.chat.completions.create(**ASKING, messages=messages), messages=due)


@pytest.mark.parametrize(
    ("part", "param", "code"),
    [
        (
            {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}},
            ".image_url.url",
            None,
        ),
        (
            {"type": "image_url", "image_url": {"url": held("image/png", "no base64!")}},
            "",
            None,
        ),
        (
            {"type": "file", "file": {"file_data": held("text/plain", "eA==")}},
            ".file.file_data",
            "unsupported_parameter",
        ),
        ({"type": "file", "file": {"file_id": "file-1"}}, ".file.file_id", "unsupported_parameter"),
        (
            {"type": "input_audio", "input_audio": {"data": "eA==", "format": "wav"}},
            ".type",
            "unsupported_parameter",
        ),
    ],
)
def test_parts_that_are_refused(client: openai.OpenAI, part: Any, param: str, code: str | None) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        client.chat.completions.create(**ASKING, messages=[user("x"), user([TEXT, part])])
    assert (told.value.param, told.value.code) == (f"messages.[1].content.[1]{param}", code)
