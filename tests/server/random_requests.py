"""Random requests with something of everything, each with a canary of its own in each of its texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from tests.server.conversations import user

if TYPE_CHECKING:
    from random import Random

Json = dict[str, Any]

MARK = {"cache_control": {"type": "ephemeral"}}
SYSTEMS: tuple[list[str], ...] = ([], ["Be brief."], ["Be long.", "And kind."])
MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-sonnet-4-5")
ENDS = {
    "[[dump]]": 200,
    "[[tool=look,other,Bash; rounds=2]]": 200,
    "[[tool=look; rounds=2; gap=0.005]]": 200,
    "[[stop=max_tokens; gap=0.01]]": 200,
    "[[status=429]]": 429,
    "[[error=overloaded_error; at=5; gap=0.01]]": 529,
    "[[deltas=200; gap=0.02]]": None,  # the client leaves
    "[[tool=look; rounds=2; deltas=200; gap=0.02]]": None,
}
_WEIGHTS = (6, 2, 1, 1, 1, 1, 1, 1)
_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@frozen
class Asked:
    """A random request; `end` is what becomes of it."""

    canary: str
    fields: Json
    end: str

    @property
    def status(self) -> int | None:
        """What it is answered with; None when the client does not wait for it."""
        return ENDS[self.end]


def draw(random: Random, number: int) -> Asked:
    """The one with this number."""
    canary = f"canary-{number:06}"
    end = random.choices(list(ENDS), weights=_WEIGHTS)[0]
    model = random.choice(MODELS)
    messages = _history(random, canary)
    messages[-1]["content"].append(_text(f"{canary} {end}"))
    system = [_text(text) for text in random.choice(SYSTEMS)]
    if system and random.random() < 0.2:
        system[-1] |= MARK
    fields = {
        "model": model,
        "max_tokens": random.randrange(2000, 5000),
        "messages": messages,
        "system": system,
        "stream": random.random() < 0.5,
        **_parameters(random, number, canary),
        **_tools(random, canary),
    }
    if model == "claude-sonnet-4-5":  # which knows no effort
        fields.get("output_config", {}).pop("effort", None)
    return Asked(canary, fields, end)


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _history(random: Random, canary: str) -> list[Json]:
    """Messages from the user to the user; the last one may hold nothing yet."""
    messages: list[Json] = []
    results: list[Json] = []
    for n in range(random.choice([0, 0, 1, 2, 3])):
        content = [*results, *_shown(random, canary), _text(f"{n} {canary} {'x' * random.randrange(300)}")]
        said = [*_thought(random, canary), _text(f"said {n} {canary}")]
        calls = [_call(canary, f"toolu_{n}_{each}") for each in range(random.choice([0, 0, 1, 2]))]
        messages += [{"role": "user", "content": content}, {"role": "assistant", "content": [*said, *calls]}]
        results = [_result(random, canary, call["id"]) for call in calls]
    return [*messages, {**user(""), "content": [*results, *_shown(random, canary)]}]


def _shown(random: Random, canary: str) -> list[Json]:
    pixel = {"type": "base64", "media_type": "image/gif", "data": _PIXEL}
    page = {"type": "text", "media_type": "text/plain", "data": canary}
    blocks: list[Json] = [
        {"type": "image", "source": pixel},
        {"type": "image", "source": {"type": "url", "url": f"https://a/{canary}"}},
        {"type": "document", "source": page, "title": canary, "citations": {"enabled": True}},
        {"type": "search_result", "source": canary, "title": "x", "content": [_text(canary)]},
    ]
    return [block for block in blocks if random.random() < 0.1]


def _thought(random: Random, canary: str) -> list[Json]:
    if random.random() < 0.7:
        return []
    return [
        {"type": "thinking", "thinking": canary, "signature": "c2ln"},
        {"type": "redacted_thinking", "data": canary},
    ]


def _call(canary: str, name: str) -> Json:
    return {"type": "tool_use", "id": name, "name": "look", "input": {"for": canary, "n": [1.5, None]}}


def _result(random: Random, canary: str, name: str) -> Json:
    content = random.choice([canary, [_text(canary)], [_text(canary), *_shown(random, canary)]])
    return {"type": "tool_result", "tool_use_id": name, "content": content}


def _parameters(random: Random, number: int, canary: str) -> Json:
    schema = {"type": "object", "properties": {canary: {"type": "string"}}}
    known: Json = {
        "temperature": (number + 0.5) / 1e6,
        "top_p": 0.5 + (number + 0.5) / 1e7,
        "top_k": number + 1,
        "stop_sequences": [canary + "!"],
        "metadata": {"user_id": canary},
        "service_tier": "standard_only",
        "thinking": {"type": "enabled", "budget_tokens": 1024 + number},
        "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": schema}},
        "context_management": {"edits": [{"type": canary}]},
        "inference_geo": canary,
    }
    return {name: value for name, value in known.items() if random.random() < 0.2}


def _tools(random: Random, canary: str) -> Json:
    count = random.choice([0, 0, 1, 5])
    if not count:
        return {}
    schema = {"type": "object", "properties": {canary: {"type": "string"}}}
    names = ("look", "Bash", f"see_{canary}", "other", "x")[:count]
    tools = [{"name": name, "description": canary, "input_schema": schema} for name in names]
    choice: Json = {"type": "auto", "disable_parallel_tool_use": False}
    return {"tools": tools, **({"tool_choice": choice} if random.random() < 0.5 else {})}
