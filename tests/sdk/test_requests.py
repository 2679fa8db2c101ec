"""What a client sends, as it reaches the API: parameters, long histories, images from bytes and files."""

from __future__ import annotations

import base64
import struct
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any

from tests.sdk.prompts import ASKING, prompt, received

if TYPE_CHECKING:
    from pathlib import Path

    import anthropic

DUMP = "What did I say? [[dump]]"
MARK: Any = {"type": "ephemeral", "ttl": "5m"}
SCHEMA: Any = {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]}
ALL: dict[str, Any] = {
    "cache_control": MARK,
    "diagnostics": {"previous_message_id": "msg_1"},
    "inference_geo": "eu",
    "metadata": {"user_id": "13803d75-b4b5-4c3e-b2a2-6f21399b021b"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "service_tier": "auto",
    "speed": "standard",
    "stop_sequences": ["string"],
    "thinking": {"type": "adaptive", "display": "summarized"},
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "tools": [
        {
            "name": "name",
            "input_schema": SCHEMA,
            "allowed_callers": ["direct"],
            "cache_control": MARK,
            "defer_loading": True,
            "description": "Get the current weather in a given location",
            "eager_input_streaming": True,
            "input_examples": [{"location": "Oslo"}],
            "strict": True,
            "type": "custom",
        }
    ],
}
"""All that the suite's own tests ask for at once, but for what the server refuses."""


def png(width: int, height: int) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_all_parameters_at_once(client: anthropic.Anthropic) -> None:
    system: Any = [{"type": "text", "text": "Today's date is 2024-06-01.", "cache_control": MARK}]
    message = client.messages.create(**ASKING, **ALL, system=system, messages=prompt(DUMP))
    body = received(message)
    assert {name: body.get(name) for name in ALL} == ALL
    assert body["max_tokens"] == ASKING["max_tokens"]
    assert body["system"][-1]["text"] == system[0]["text"]


def test_the_request_id(client: anthropic.Anthropic) -> None:
    raw = client.messages.with_raw_response.create(**ASKING, messages=prompt("x"))
    assert raw.headers["request-id"] == raw.request_id == raw.parse()._request_id
    assert (raw.request_id or "").startswith("req_")


def test_a_very_long_history(client: anthropic.Anthropic) -> None:
    history = [
        {"role": role, "content": f"{role} {at}: {'word ' * 20}".strip()}
        for at in range(250)
        for role in ("user", "assistant")
    ]
    body = received(client.messages.create(**ASKING, messages=[*history, *prompt(DUMP)]))
    said = [(message["role"], said_by(message)) for message in body["messages"]]
    assert said == [(message["role"], message["content"]) for message in history] + [("user", DUMP)]


def said_by(message: dict[str, Any]) -> str:
    """The text of a message, in either of the forms that the API takes."""
    content = message["content"]
    return content if isinstance(content, str) else "".join(block["text"] for block in content)


def test_images_from_bytes_and_files(client: anthropic.Anthropic, tmp_path: Path) -> None:
    pictures = [png(8, 8), png(16, 9), png(3, 5)]
    file = tmp_path / "picture.png"
    file.write_bytes(pictures[2])
    forms: list[Any] = [base64.b64encode(pictures[0]).decode(), BytesIO(pictures[1]), file]
    source = {"type": "base64", "media_type": "image/png"}
    content: list[Any] = [{"type": "image", "source": {**source, "data": data}} for data in forms]
    message = client.messages.create(
        **ASKING, messages=[{"role": "user", "content": [*content, {"type": "text", "text": DUMP}]}]
    )
    (asked,) = received(message)["messages"]
    assert [block["type"] for block in asked["content"]] == ["image"] * 3 + ["text"]
    arrived = [block["source"] for block in asked["content"][:3]]
    assert arrived == [{**source, "data": base64.b64encode(picture).decode()} for picture in pictures]
