"""Models page by page and one by one, and the number of a request's tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anthropic
import pytest

from ccproxy_trio.claude.demo.count import count_tokens
from tests.sdk.prompts import ASKING, prompt

if TYPE_CHECKING:
    from anthropic.types import ModelInfo


@pytest.fixture
def models(client: anthropic.Anthropic) -> list[ModelInfo]:
    """All of them, from one page."""
    page = client.models.list(limit=1000)
    assert page.has_more is False
    assert len({model.id for model in page.data}) == len(page.data) > 2
    return page.data


def test_pages(client: anthropic.Anthropic, models: list[ModelInfo]) -> None:
    assert list(client.models.list()) == models
    assert list(client.models.list(limit=1)) == models
    assert [len(page.data) for page in client.models.list(limit=2).iter_pages()][:2] == [2, len(models[2:4])]
    assert client.models.list(after_id=models[0].id).data == models[1:]
    back = client.models.list(before_id=models[-1].id, limit=1)
    assert back.data == models[-2:-1]
    assert list(back) == models[-2::-1]


def test_each(client: anthropic.Anthropic, models: list[ModelInfo]) -> None:
    for model in models:
        assert client.models.retrieve(model.id) == model
        assert client.beta.models.retrieve(model.id).id == model.id
        assert model.display_name


def test_one_that_is_not_there(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError) as told:
        client.models.retrieve("no-such-model")
    assert told.value.type == "not_found_error"


def test_each_can_be_asked(client: anthropic.Anthropic, models: list[ModelInfo]) -> None:
    for model in models:
        answer = client.messages.create(model=model.id, max_tokens=100, messages=prompt("x"))
        assert answer.model == model.id


def test_tokens(client: anthropic.Anthropic) -> None:
    history = [*prompt("Hello, world!"), {"role": "assistant", "content": "Hello."}, *prompt("How are you?")]
    counted = client.messages.count_tokens(model=ASKING["model"], messages=history)
    assert counted.input_tokens == count_tokens({"messages": history})
