"""The CLI's list of models, read: each model once, under all its names; nonsense is named."""

from __future__ import annotations

from typing import Any

import pytest

from ccproxy_trio.claude.errors import InstanceNonsense
from ccproxy_trio.claude.models import parse_models
from ccproxy_trio.dialects.models import Model, find_model


def choice(value: str, model: str | None, name: str = "", description: str = "") -> dict[str, Any]:
    resolved = {} if model is None else {"resolvedModel": model}
    return {
        "value": value,
        "displayName": name,
        "description": description,
        "supportsEffort": True,
        **resolved,
    }


@pytest.mark.parametrize(
    ("choices", "models"),
    [
        (
            [
                choice(
                    "default", "claude-opus-5-5", "Default", "Use the default model (currently Opus 5.5) · $4"
                ),
                choice("opus", "claude-opus-5-5", "Opus", "Opus 5.5 · Best · $4/$20 per Mtok"),
                choice("haiku", "claude-haiku-5-5", "Haiku", "Haiku 5.5 · Fastest"),
            ],
            [
                Model("claude-opus-5-5", "Claude Opus 5.5", ("default", "opus")),
                Model("claude-haiku-5-5", "Claude Haiku 5.5", ("haiku",)),
            ],
        ),
        # As it is with ANTHROPIC_DEFAULT_OPUS_MODEL=claude-opus-4-5, ANTHROPIC_DEFAULT_SONNET_MODEL=my-own-model.
        (
            [
                choice("opus", "claude-opus-4-5", "Opus 4.5", "Custom Opus model (claude-opus-4-5)"),
                choice("default", "my-own-model[1m]", "Default", "The default (currently my-own-model[1m])"),
                choice("sonnet", "my-own-model", "my-own-model", "Custom Sonnet model"),
                choice("claude-sonnet-5-5", "claude-sonnet-5-5", "Sonnet 5.5", "Newer version available"),
            ],
            [
                Model("claude-opus-4-5", "Claude Opus 4.5", ("opus",)),
                Model("my-own-model", "my-own-model", ("default", "sonnet")),
                Model("claude-sonnet-5-5", "Claude Sonnet 5.5"),
            ],
        ),
        (
            [choice("default", "claude-opus-6", "Default", "Use the default model (currently Opus 6)")],
            [Model("claude-opus-6", "Claude Opus 6", ("default",))],
        ),
        ([choice("claude-y-1", None)], [Model("claude-y-1", "claude-y-1")]),
    ],
)
def test_each_model_once(choices: list[dict[str, Any]], models: list[Model]) -> None:
    assert list(parse_models({"models": choices})) == models


@pytest.mark.parametrize(
    ("response", "told"),
    [
        ({}, "listed no models"),
        ({"models": []}, "listed no models"),
        ({"models": "opus"}, "listed no models"),
        ({"models": [choice("a", "b"), 5]}, "listed a model that is no object, at models.1"),
        ({"models": [{}]}, "listed a model without a name, at models.0"),
        ({"models": [choice("", "b")]}, "listed a model without a name, at models.0"),
        ({"models": [choice("a", "")]}, "listed a model without a name, at models.0"),
        ({"models": [choice("a", "b"), {"value": 5}]}, "listed a model without a proper value, at models.1"),
        ({"models": [{"value": "a", "resolvedModel": None}]}, "without a proper resolvedModel, at models.0"),
        ({"models": [{**choice("a", "b"), "displayName": 5}]}, "without a proper displayName, at models.0"),
        (
            {"models": [{**choice("a", "b"), "description": None}]},
            "without a proper description, at models.0",
        ),
    ],
)
def test_nonsense(response: dict[str, Any], told: str) -> None:
    with pytest.raises(InstanceNonsense) as caught:
        parse_models(response)
    assert str(caught.value).endswith(told)


def test_a_model_goes_by_its_id_and_by_its_aliases() -> None:
    models = [
        Model("claude-opus-5-5", "Opus", ("default", "opus")),
        Model("claude-haiku-5-5", "Haiku", ("haiku",)),
    ]
    for name in ("claude-opus-5-5", "claude-opus-5-5[1m]", "opus", "Opus", "opus[1m]", "default"):
        assert find_model(models, name) is models[0], name
    for name in ("", "claude-opus", "Claude-Opus-5-5", "[1m]", "best"):
        assert find_model(models, name) is None, name
