"""Whole answers, and what reached the API for them: messages, parameters, names of models, what was left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.sdk.conftest import PATIENCE
from tests.sdk.openai.asking import ASKING, DUMP, check_received, prompt, said, user

if TYPE_CHECKING:
    from openai.types.chat import ChatCompletion


def test_an_answer(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(**ASKING, messages=prompt("Hello, world!"))
    (choice,) = completion.choices
    assert choice.to_dict() == {
        "index": 0,
        "message": {"role": "assistant", "content": "Demo echo: Hello, world!", "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    assert (completion.object, completion.model) == ("chat.completion", "claude-sonnet-5-5")
    assert completion.id.startswith("chatcmpl-")
    usage = completion.usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (11, 4, 15)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 0


def test_usage_of_cache_and_thoughts(client: openai.OpenAI) -> None:
    counts = {
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 30,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 20},
    }
    asked = prompt(f"x [[usage={json.dumps(counts)}; thinking=hm]]")
    usage = client.chat.completions.create(**ASKING, messages=asked).usage
    assert usage is not None
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (141, 50, 191)
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.cached_tokens == 100
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 20


def test_a_conversation_with_the_developer_in_it(client: openai.OpenAI) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        user("One?"),
        {"role": "assistant", "content": "One."},
        {"role": "developer", "content": [{"type": "text", "text": "Be kind."}]},
        user([{"type": "text", "text": "Two?"}, {"type": "text", "text": DUMP}]),
    ]
    due = [message for message in messages if message["role"] not in {"system", "developer"}]
    completion = client.chat.completions.create(**ASKING, messages=messages)
    check_received(completion, system="Be brief.\n\nBe kind.", messages=due)


def test_an_answer_is_history_as_it_came(client: openai.OpenAI) -> None:
    messages = prompt("First.")
    messages.append(client.chat.completions.create(**ASKING, messages=messages).choices[0].message)
    messages.append(user(DUMP))
    due = [user("First."), {"role": "assistant", "content": "Demo echo: First."}, user(DUMP)]
    check_received(client.chat.completions.create(**ASKING, messages=messages), messages=due)


def test_parameters(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        **ASKING,
        messages=prompt(DUMP),
        max_completion_tokens=77,
        temperature=0.5,
        top_p=1,
        stop=["END", "STOP"],
        reasoning_effort="low",
        service_tier="auto",
        safety_identifier="somebody",
        # What asks for nothing that does not happen anyway.
        n=1,
        presence_penalty=0,
        logprobs=False,
        modalities=["text"],
    )
    check_received(
        completion,
        messages=prompt(DUMP),
        max_tokens=77,
        temperature=0.5,
        stop_sequences=["END", "STOP"],
        output_config={"effort": "low"},
        thinking={"type": "adaptive", "display": "summarized"},
        service_tier="auto",
        metadata={"user_id": "somebody"},
    )
    assert completion.service_tier == "default"


def test_where_an_answer_stops(client: openai.OpenAI) -> None:
    def ask(text: str, **parameters: Any) -> tuple[str, str]:
        completion = client.chat.completions.create(**ASKING, **parameters, messages=prompt(text))
        return completion.choices[0].finish_reason, said(completion)

    assert ask("one two three", stop="two") == ("stop", "Demo echo: one ")
    assert ask("one two three", max_completion_tokens=3) == ("length", "Demo echo: one")
    assert ask("one two three", max_tokens=4) == ("length", "Demo echo: one two")
    assert ask("x [[stop=refusal]]") == ("content_filter", "Demo echo: x")


def test_reasoning(client: openai.OpenAI) -> None:
    def think(effort: Any) -> ChatCompletion:
        asked = prompt("x [[thinking=Let me see]]")
        return client.chat.completions.create(**ASKING, messages=asked, reasoning_effort=effort)

    for effort in ("low", "high"):
        message = think(effort).choices[0].message
        assert message.content == "Demo echo: x"
        assert message.model_extra == {"reasoning_content": "Let me see"}
        # It is no part of what the model said; the server takes it back and says that it made no use of it.
        again = client.chat.completions.with_raw_response.create(
            **ASKING, messages=[*prompt("x"), message.to_dict(), user(DUMP)]
        )
        assert again.headers["x-ccproxy-ignored"] == "messages.[1].reasoning_content"
        due = [user("x"), {"role": "assistant", "content": "Demo echo: x"}, user(DUMP)]
        check_received(again.parse(), messages=due)


def test_the_names_of_models(client: openai.OpenAI) -> None:
    for name, model in {"gpt-4.1-mini": "sonnet", "gpt-5": "sonnet", "opus": "opus"}.items():
        completion = client.chat.completions.create(model=name, messages=prompt(DUMP))
        check_received(completion, model=model, messages=prompt(DUMP))


def test_headers(client: openai.OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        **ASKING, messages=prompt("x"), metadata={"a": "b"}, user="me", safety_identifier="you"
    )
    assert raw.headers["content-type"] == "application/json"
    assert raw.headers["x-request-id"].startswith("req_")
    assert raw.headers["x-ccproxy-ignored"] == "metadata, user"
    completion = raw.parse()
    assert said(completion) == "Demo echo: x"
    assert completion._request_id == raw.headers["x-request-id"]
    raw = client.chat.completions.with_raw_response.create(**ASKING, messages=prompt("x"))
    assert "x-ccproxy-ignored" not in raw.headers


def test_what_is_left_out_where_the_operator_wants_so(narrow: openai.OpenAI) -> None:
    raw = narrow.chat.completions.with_raw_response.create(
        **ASKING,
        messages=prompt(DUMP),
        n=3,
        seed=7,
        logprobs=True,
        logit_bias={"1": 5},
        temperature=1.5,
    )
    left_out = raw.headers["x-ccproxy-ignored"].split(", ")
    assert sorted(left_out) == ["logit_bias", "logprobs", "n", "seed", "temperature"]
    check_received(raw.parse(), messages=prompt(DUMP))


def test_thoughts_that_the_operator_hides(narrow: openai.OpenAI) -> None:
    asked = prompt("x [[thinking=secret]]")
    completion = narrow.chat.completions.create(**ASKING, messages=asked, reasoning_effort="low")
    assert completion.choices[0].message.model_extra == {}
    completion = narrow.chat.completions.create(**ASKING, messages=prompt(DUMP), reasoning_effort="low")
    thinking = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}
    check_received(completion, **thinking, messages=prompt(DUMP))


async def test_the_asynchronous_client_under_trio(url: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="any", timeout=PATIENCE) as client:
        completion = await client.chat.completions.create(**ASKING, messages=prompt("Hello, trio!"))
        assert said(completion) == "Demo echo: Hello, trio!"
        with pytest.raises(openai.BadRequestError):
            await client.chat.completions.create(**ASKING, messages=prompt("x"), seed=1)
