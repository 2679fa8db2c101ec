"""Random requests of the Messages API with something of everything, and a canary in each place that can hold one.

What OpenAI's APIs cannot say is left out of those that `speech` is to say in their words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen

from tests.isolation.canaries import canary
from tests.server.carried import WITHOUT_EFFORT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

Json = dict[str, Any]
Dialect = Literal["messages", "chat", "responses"]

DIALECTS: tuple[Dialect, ...] = ("messages", "messages", "chat", "responses")
MODELS = ("claude-sonnet-5-5", "claude-opus-5-5", "claude-sonnet-4-5", "haiku")
SYSTEMS: tuple[list[str], ...] = ([], [], ["Be brief."], ["Be long.", "And kind."])
MARK = {"cache_control": {"type": "ephemeral"}}

Outcome = Literal["whole", "dump", "call", "failed", "either"]
ENDS: Mapping[str, tuple[Outcome, int]] = {
    # directive: what becomes of it, and how often it is drawn
    "[[dump]]": ("dump", 8),
    "[[gap=0.004]]": ("whole", 2),
    "[[tool=look,other,Bash; rounds=9]]": ("call", 2),
    "[[tool=look; rounds=9; gap=0.005]]": ("call", 2),
    "[[stop=max_tokens; gap=0.05]]": ("whole", 1),
    "[[thinking=hm; gap=0.005]]": ("whole", 1),
    "[[status=429]]": ("failed", 1),
    "[[status=500; delay=0.02]]": ("failed", 1),
    "[[error=overloaded_error; at=5; gap=0.01]]": ("failed", 1),
    "[[cut; at=4; gap=0.01]]": ("failed", 1),
    "[[status=400; message={word} is no good]]": ("failed", 1),
    "[[status=500; message={word} is no good]]": ("failed", 1),
    "[[error=api_error; message={word} is no good; at=5; gap=0.01]]": ("failed", 1),
}
LEAVING = (
    "[[delay=9]]",
    "[[hang; at=6; gap=0.005]]",
    "[[deltas=200; gap=0.02]]",
    "[[deltas=2000]]",
    "[[tool=look; deltas=200; gap=0.02]]",
)
"""What no client waits for the end of."""
FAULTS: Mapping[str, tuple[Outcome, int]] = {
    "[[die=before_first]]": ("failed", 1),
    "[[die=mid_stream; at=5; gap=0.01]]": ("failed", 1),
    "[[die=after_result; gap=0.01]]": ("whole", 1),
    "[[garbage; at=5; gap=0.01]]": ("failed", 1),
    "[[no_rewind]]": ("whole", 1),
    "[[wrong_id]]": ("whole", 1),
    "[[flood_stderr=100000]]": ("whole", 1),
}
"""What goes wrong in the child itself; the stand-in alone does so."""

_PIXEL = "R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


@frozen
class Drawn:
    """A random request as the Messages API has it."""

    number: int
    fields: Json
    dialect: Dialect
    outcome: Outcome
    patience: float
    """Seconds after which its client leaves."""
    pieces: int
    """Pieces of the answer after which it does."""
    betas: str

    @property
    def canary(self) -> str:
        """Its own."""
        return canary(self.number)


def draw(random: Random, number: int, faults: Mapping[str, tuple[Outcome, int]]) -> Drawn:
    """The one with this number; `faults` are as often as the rest has it."""
    dialect = random.choice(DIALECTS)
    ends = {**ENDS, **{fault: (outcome, weight * 0.15) for fault, (outcome, weight) in faults.items()}}
    (end,) = random.choices(list(ends), [weight for _, weight in ends.values()])
    outcome, patience, pieces = ends[end][0], 60.0, 10**6
    chance = random.random()
    if chance < 0.1:
        outcome, patience = "either", random.random() * 0.1  # it may wait for its turn, still
    elif chance < 0.25:
        outcome, end = "either", random.choice(LEAVING)
        patience, pieces = 0.02 + random.random() * 0.15, random.randrange(1, 9)
    return Drawn(
        number,
        _fields(random, number, dialect, end, choose=outcome != "dump"),
        dialect,
        outcome,
        patience,
        pieces,
        f"{canary(number)}-2025-01-01" if dialect == "messages" and random.random() < 0.2 else "",
    )


def draw_count(random: Random, number: int) -> Json:
    """A request for a count, of what can be counted."""
    word = canary(number)
    messages = _conversation(random, word, "chat")
    messages[-1]["content"].append(_text(f"{word} count"))
    model = random.choice([*MODELS, f"claude-{word}-1"])
    return {"model": model, "messages": messages, "system": [_text(text) for text in _system(random, word)]}


def _fields(random: Random, number: int, dialect: Dialect, end: str, *, choose: bool) -> Json:
    word = canary(number)
    model = f"claude-{word}-1" if random.random() < 0.2 else random.choice(MODELS)
    messages = _conversation(random, word, dialect)
    messages[-1]["content"].append(_text(f"{word} {end.format(word=word)}"))
    system = [_text(text) for text in _system(random, word)]
    if dialect == "messages" and random.random() < 0.1:
        (system or messages[0]["content"])[-1] |= MARK
    fields: Json = {
        "model": model,
        "max_tokens": 100_000 + number,
        "messages": messages,
        "system": system,
        "stream": random.random() < 0.6,
        **_parameters(random, number, dialect),
        **_tools(random, word, dialect, choose=choose),
    }
    if model in WITHOUT_EFFORT:
        fields.get("output_config", {}).pop("effort", None)
    return fields


def _system(random: Random, word: str) -> list[str]:
    # One of its own costs a new process.
    return [f"You are {word}.", word] if random.random() < 0.04 else random.choice(SYSTEMS)


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _conversation(random: Random, word: str, dialect: Dialect) -> list[Json]:
    """Messages up to the user's last, which may hold nothing yet; the assistant may be the first."""
    messages: list[Json] = []
    results: list[Json] = []
    for n in range(random.choice([0, 0, 1, 2, 3])):
        asked = [*results, *_shown(random, word, dialect), _text(f"{n} {word} {'x' * random.randrange(300)}")]
        if n or random.random() < 0.8:
            messages.append({"role": "user", "content": asked})
        said = [*_thought(random, word, dialect), _text(f"said {n} {word}")]
        calls = [_call(word, f"toolu_{word}_{n}_{each}") for each in range(random.choice([0, 0, 1, 2]))]
        messages.append({"role": "assistant", "content": [*said, *calls]})
        results = [_result(random, word, call["id"], dialect) for call in calls]
    return [*messages, {"role": "user", "content": [*results, *_shown(random, word, dialect)]}]


def _shown(random: Random, word: str, dialect: Dialect) -> list[Json]:
    pixel = {"type": "base64", "media_type": "image/gif", "data": _PIXEL + word}
    page = {"type": "text", "media_type": "text/plain", "data": word}
    blocks: list[Json] = [
        {"type": "image", "source": pixel},
        {"type": "image", "source": {"type": "url", "url": f"https://a/{word}"}},
    ]
    if dialect == "messages":
        blocks += [
            {
                "type": "document",
                "source": page,
                "title": word,
                "context": word,
                "citations": {"enabled": True},
            },
            {"type": "search_result", "source": word, "title": word, "content": [_text(word)]},
        ]
    return [block for block in blocks if random.random() < 0.1]


def _thought(random: Random, word: str, dialect: Dialect) -> list[Json]:
    if dialect == "chat" or random.random() < 0.7:
        return []
    return [
        {"type": "thinking", "thinking": word, "signature": word},
        {"type": "redacted_thinking", "data": word},
    ]


def _call(word: str, name: str) -> Json:
    return {"type": "tool_use", "id": name, "name": "look", "input": {word: word, "n": [1.5, None]}}


def _result(random: Random, word: str, name: str, dialect: Dialect) -> Json:
    contents: list[Any] = [[_text(word)]]
    if dialect != "chat":
        contents.append([_text(word), *_shown(random, word, dialect)])
    if dialect == "messages":
        contents.append(word)
    return {"type": "tool_result", "tool_use_id": name, "content": random.choice(contents)}


def _parameters(random: Random, number: int, dialect: Dialect) -> Json:
    word = canary(number)
    schema = {"type": "object", "properties": {word: {"type": "string", "description": word}}}
    shape = {"type": "json_schema", "schema": schema}
    known: Json = {
        "temperature": (number + 0.5) / 1e6,
        "top_p": 0.5 + (number + 0.5) / 1e7,
        "metadata": {"user_id": word},
        "service_tier": "standard_only",
    }
    if dialect != "responses":
        known["stop_sequences"] = [f"{word}!"]
    if dialect == "messages":
        known |= {
            "top_k": number + 1,
            "thinking": {"type": "enabled", "budget_tokens": 1024 + number},
            "output_config": {"effort": "low", "format": shape},
            "context_management": {"edits": [{"type": word}]},
            "inference_geo": word,
        }
    else:
        known["output_config"] = {"format": shape}
    return {name: value for name, value in known.items() if random.random() < 0.2}


def _tools(random: Random, word: str, dialect: Dialect, *, choose: bool) -> Json:
    count = random.choice([0, 0, 1, 5])
    if not count:
        return {}
    schema = {"type": "object", "properties": {word: {"type": "string", "description": word}}}
    names = ("look", "Bash", f"see_{word}", "other", "x")[:count]
    tools = [{"name": name, "description": word, "input_schema": schema} for name in names]
    choices: list[Json] = [{}, {"tool_choice": {"type": "auto"}}]
    if choose:
        choices += [{"tool_choice": {"type": "any"}}, {"tool_choice": {"type": "tool", "name": names[-1]}}]
    if dialect == "messages":
        choices.append({"tool_choice": {"type": "auto", "disable_parallel_tool_use": False}})
    return {"tools": tools, **random.choice(choices)}
