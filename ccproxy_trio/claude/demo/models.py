"""The models that the CLI offers, what its names for them stand for, and what it asks of each by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .directives import Json

_LINES = {
    "opus": ("claude-opus-5-5", "Opus 5.5 · Best for everyday, complex tasks · $4/$20 per Mtok"),
    "fable": (
        "claude-fable-5-2",
        "Fable 5.2 · Most capable for your hardest and longest-running tasks · $8/$40 per Mtok",
    ),
    "sonnet": ("claude-sonnet-5-5", "Sonnet 5.5 · Efficient for routine tasks · $2/$10 per Mtok"),
    "haiku": (
        "claude-haiku-5-5",
        "Haiku 5.5 · Fastest for quick answers · $0.10/$0.50 per Mtok ($0.50/$2.50 for prompts over 100k)",
    ),
}
_PRICES = re.compile(r"\$([\d.]+)/\$([\d.]+) per Mtok")
_SHARES = {"cache_read_input_tokens": 0.1, "cache_creation_input_tokens": 1.25}
"""Of the price of input."""
_DEFAULT = ("claude-opus-5-5", "Use the default model (currently Opus 5.5) · $4/$20 per Mtok")
_OTHER_NAMES = {"default": "opus", "best": "opus", "opusplan": "sonnet"}
_EFFORT: Json = {
    "supportsEffort": True,
    "supportedEffortLevels": ["low", "medium", "high", "xhigh", "max"],
    "supportsAdaptiveThinking": True,
}
_FAST = frozenset({"default", "opus", "fable"})

_WITHOUT_EFFORT = (
    *("claude-3", "claude-opus-4-1", "claude-opus-4-2"),
    *("claude-sonnet-4-2", "claude-sonnet-4-5", "claude-haiku-4-5"),
)
_WITH_BUDGET = (*_WITHOUT_EFFORT, "claude-opus-4-5")
_LATEST = frozenset(name for name, _ in _LINES.values())
_MOST_TOKENS = {
    **dict.fromkeys(_LATEST, 128_000),
    "claude-mythos-5": 64_000,
    "claude-opus-4-8": 64_000,
}
_USUAL_MOST_TOKENS = 32_000


def reckon(model: str, usage: Json) -> float:
    """The dollars that an answer costs, by the prices of the latest model of its line, or else of the default."""
    told = next((about for line, (_, about) in _LINES.items() if line in model), _DEFAULT[1])
    prices = _PRICES.search(told)
    assert prices is not None
    for_input, for_output = map(float, prices.groups())
    counted = {name: tokens for name, tokens in usage.items() if isinstance(tokens, int)}
    tokens = sum(counted.get(name, 0) * share for name, share in {"input_tokens": 1.0, **_SHARES}.items())
    return (tokens * for_input + counted.get("output_tokens", 0) * for_output) / 1e6


def resolve_model(name: Any) -> str:
    """The model that a name stands for: an alias, with or without [1m], or itself."""
    if not isinstance(name, str):
        return _DEFAULT[0]
    alias = name.removesuffix("[1m]").lower()
    alias = _OTHER_NAMES.get(alias, alias)
    return _LINES[alias][0] if alias in _LINES else name


def context_window(model: str) -> int:
    """How many tokens the CLI takes to fit; a model that it does not know counts as one of the latest."""
    return 200_000 if model.startswith(_WITH_BUDGET) else 1_000_000


def list_models(current: str) -> list[Json]:
    """The answer to `list_models`, in the CLI's order; a current model that is none of these comes last."""
    named = {"default": ("Default (recommended)", *_DEFAULT)}
    named |= {alias: (alias.capitalize(), *line) for alias, line in _LINES.items()}
    listed = [
        {
            **_name(alias, model, name, description),
            **_EFFORT,
            **({"supportsFastMode": True} if alias in _FAST else {}),
            "supportsAutoMode": True,
            "supportsThinkingOff": False,
        }
        for alias, (name, model, description) in named.items()
    ]
    return listed if current in _LATEST else [*listed, _describe_unlisted(current)]


def say_name(model: str) -> str:
    """`Sonnet 4.5` for claude-sonnet-4-5."""
    line, *version = model.removeprefix("claude-").split("-")
    return f"{line.capitalize()} {'.'.join(version)}".strip()


def _describe_unlisted(model: str) -> Json:
    line = model.removeprefix("claude-").partition("-")[0]
    abilities: Json = {**_EFFORT, "supportsAutoMode": True} if takes_effort(model) else {}
    if line in _LINES:
        newer = f"Newer version available · select {line.capitalize()} for {say_name(_LINES[line][0])}"
        return {**_name(model, model, say_name(model), newer), **abilities, "supportsThinkingOff": True}
    return {**_name(model, model, model, "Custom model"), **abilities, "supportsThinkingOff": True}


def _name(value: str, model: str, name: str, description: str) -> Json:
    return {"value": value, "resolvedModel": model, "displayName": name, "description": description}


def upstream_models() -> Iterator[Json]:
    """The same models as GET /v1/models tells of them."""
    for alias, (model, description) in _LINES.items():
        about = {
            "display_name": f"Claude {description.partition(' · ')[0]}",
            "created_at": "2026-01-01T00:00:00Z",
        }
        yield {"type": "model", "id": model, **about, "lifecycle": "active", "line": alias}


def takes_effort(model: str) -> bool:
    """Whether the CLI lets `output_config.effort` through to `model`; to the others it drops it."""
    return not model.startswith(_WITHOUT_EFFORT)


def own_parameters(model: str, effort: str | None) -> Json:
    """What the CLI asks of `model` where it was not told otherwise."""
    budget: Json = {"budget_tokens": 31999, "type": "enabled"}
    asked: Json = {
        "max_tokens": _MOST_TOKENS.get(model, _USUAL_MOST_TOKENS),
        "thinking": budget if model.startswith(_WITH_BUDGET) else {"type": "adaptive"},
    }
    if takes_effort(model):
        asked["output_config"] = {"effort": effort or ("medium" if model in _LATEST else "high")}
    return asked
