"""The models, as a list and one by one; each can be asked."""

from __future__ import annotations

import openai
import pytest

from tests.sdk.openai.asking import prompt, said


def test_each_of_the_list_can_be_retrieved_and_asked(client: openai.OpenAI) -> None:
    models = list(client.models.list())
    assert len({model.id for model in models}) == len(models) > 2
    for model in models:
        assert model.to_dict() == {"id": model.id, "object": "model", "created": 0, "owned_by": "anthropic"}
        assert client.models.retrieve(model.id) == model
        completion = client.chat.completions.create(model=model.id, messages=prompt("x"))
        assert (completion.model, said(completion)) == (model.id, "Demo echo: x")


def test_other_names(client: openai.OpenAI) -> None:
    """Those of the CLI and of the operator's lead to a model of the list."""
    known = {model.id for model in client.models.list()}
    found = {name: client.models.retrieve(name).id for name in ("sonnet", "opus", "gpt-4o", "gpt-4.1")}
    assert set(found.values()) <= known
    assert found["gpt-4o"] == found["gpt-4.1"] == found["sonnet"] != found["opus"]


def test_one_that_is_not_there(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as told:
        client.models.retrieve("davinci")
    assert (told.value.code, told.value.param) == ("model_not_found", "model")
