"""The system prompt: texts, which the CLI takes without anything else."""

from __future__ import annotations

from ccproxy_trio.dialects.anthropic.blocks import parse_content
from ccproxy_trio.dialects.anthropic.losses import refuse_reserved_system
from ccproxy_trio.dialects.anthropic.values import EXTRA, within
from ccproxy_trio.dialects.failures import InvalidRequest


def parse_system(value: object) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The prompt's texts, none for an empty prompt; and the paths of what has no effect on it.

    Raises InvalidRequest.
    """
    blocks = parse_content(value, "system", "system")
    ignored = []
    for index, block in enumerate(blocks):
        path = f"system.{index}"
        for key, given in block.items():
            if key == "citations" and given is not None:
                ignored.append(f"{path}.citations")  # they say where an answer's words come from
            elif key not in ("type", "text", "cache_control", "citations"):
                raise InvalidRequest(within(f"{path}.text", key), EXTRA)
    texts = tuple(block["text"] for block in blocks)
    refuse_reserved_system(texts)
    return texts, tuple(ignored)
