"""A request with a canary in everything that a client can write, and the places where none of it may ever be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.isolation.canaries import find_canaries, find_in_files
from tests.isolation.drawing import Drawn
from tests.isolation.speech import PATHS, speak

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.isolation.drawing import Dialect
    from tests.serve.running import Scratch

Json = dict[str, Any]

HELD = "[[hang; at=6]]"
"""Has the answer go on until the client leaves."""


def wild(word: str) -> str:
    """What a shell, a path or a format would take for something else than text."""
    return f"../../{word}/{word}; touch {word} $(touch {word}) `touch {word}` | {word} > {word} & %s {{0}} {word}\n"


def everything(word: str, dialect: Dialect) -> Json:
    """The body; the model's name is a path and a command."""
    said, shown = {"type": "text", "text": wild(word)}, {"type": "url", "url": f"https://{word}/../{word}"}
    schema = {"type": "object", "properties": {wild(word): {"type": "string", "description": wild(word)}}}
    call = {
        "type": "tool_use",
        "id": f"toolu_{word}",
        "name": f"see_{word}",
        "input": {wild(word): wild(word)},
    }
    prompt = {"type": "text", "text": f"{word} {HELD}"}
    fields: Json = {
        "model": f"../../{word};$(touch {word})",
        "max_tokens": 424242,
        "system": [said],
        "stream": True,
        "messages": [
            {"role": "user", "content": [said, {"type": "image", "source": shown}]},
            {"role": "assistant", "content": [said, call]},
            {
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": [said]}, prompt],
            },
        ],
        "tools": [{"name": f"see_{word}", "description": wild(word), "input_schema": schema}],
        "tool_choice": {"type": "auto"},
        "metadata": {"user_id": wild(word)},
    }
    if dialect != "responses":
        fields["stop_sequences"] = [wild(word)]
    if dialect == "messages":
        format_ = {"type": "json_schema", "schema": schema}
        edits = {"edits": [{"type": wild(word)}]}
        fields |= {"output_config": {"format": format_}, "context_management": edits, "inference_geo": word}
    number = int(word.removeprefix("canary"))
    return speak(Drawn(number, fields, dialect, "either", 0, 0, ""))


def target(word: str, dialect: Dialect) -> str:
    """Where the body is sent, with a query."""
    return f"{PATHS[dialect]}?beta=true&{word}=../../{word}"


def headers(word: str, key: str) -> dict[str, str]:
    """What is sent beside it; the key is a canary, too."""
    return {
        "host": f"{word}.example",
        "authorization": f"Bearer {key}",
        "content-type": f"application/json; {word}={word}",
        "anthropic-beta": f"{word},{word}-2",
        "anthropic-version": word,
        "user-agent": wild(word).strip(),
        "x-forwarded-for": word,
        "x-stainless-timeout": f"600;{word}",
        "x-request-id": word,
        "cookie": f"{word}={word}",
        f"x-{word}": wild(word).strip(),
    }


def find_in_places(scratch: Scratch) -> dict[str, set[str]]:
    """The canaries in the server's processes and its files."""
    found = find_in_files(scratch.path)
    instances = scratch.instances
    for pid in scratch.processes:
        for place, text in _places(Path(f"/proc/{pid}"), instances):
            if here := find_canaries(text):
                found[f"{pid} {place}: {text[:2000]!r}"] = here
    return found


def _places(process: Path, instances: set[int]) -> Iterator[tuple[str, bytes]]:
    """All that the kernel tells of a process in words: titles, variables, folders, and what is open."""
    try:
        for name in ("cmdline", "comm", "maps"):
            yield name, (process / name).read_bytes()
        # The CLI's own short-lived children have the extra body in that variable, and nowhere else.
        parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
        for variable in (process / "environ").read_bytes().split(b"\0"):
            if parent not in instances or not variable.startswith(b"CLAUDE_CODE_EXTRA_BODY="):
                yield "environ", variable
        for link in (process / "cwd", process / "exe", process / "root", *(process / "fd").iterdir()):
            yield str(link), os.fsencode(link.readlink())
    except (
        FileNotFoundError,
        ProcessLookupError,
        PermissionError,
    ):  # it ends just now, or one of its files does
        pass
