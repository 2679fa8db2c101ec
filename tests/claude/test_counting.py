"""When a number that the CLI gives is the API's, and when it is an estimate that must not be given out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ccproxy_trio.claude.counting import as_message, count_tokens, parse_context
from ccproxy_trio.claude.errors import InstanceNonsense, TurnFailed
from ccproxy_trio.claude.instance import Instance
from tests.claude.instances import ask, launcher

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ESTIMATE, PADDED = 50, 800
MESSAGES = as_message(("hello",))


class Saying(Instance):
    """An instance without a process, which gives these numbers in full, and an estimate as the summary."""

    def __init__(self, *numbers: int) -> None:
        self._numbers: Iterator[int] = iter(numbers)
        self.added = 0

    async def take_in(self, messages: Sequence[Any], model: str, system: tuple[str, ...]) -> None:
        """Nothing to do."""

    async def append(self, messages: Sequence[Any]) -> None:
        """Only counted."""
        self.added += 1

    async def describe_context(self, detail: str) -> dict[str, Any]:
        """As the CLI does, in short."""
        tokens = ESTIMATE if detail == "summary" else next(self._numbers)
        return {"categories": [{"id": "system_prompt", "tokens": 7}, {"id": "messages", "tokens": tokens}]}


async def test_a_number_that_differs_from_the_estimate() -> None:
    for number in (1, ESTIMATE - 1, ESTIMATE + 1, 1_000_000):
        instance = Saying(number)
        assert await count_tokens(instance, MESSAGES, "opus", ()) == number
        assert instance.added == 0


async def test_a_number_that_happens_to_equal_the_estimate() -> None:
    for step in (1, 9, 32):
        instance = Saying(ESTIMATE, ESTIMATE + step, ESTIMATE + 2 * step)
        assert await count_tokens(instance, MESSAGES, "opus", ()) == ESTIMATE
        assert instance.added == 2


@pytest.mark.parametrize(
    "numbers",
    [
        (ESTIMATE, ESTIMATE + PADDED, ESTIMATE + 2 * PADDED),
        # The API comes back while we look: after the first look, with a number that is near; and after the second.
        (ESTIMATE, ESTIMATE + 20, ESTIMATE + 29),
        (ESTIMATE, ESTIMATE - 20, ESTIMATE - 11),
        (ESTIMATE, ESTIMATE + PADDED, ESTIMATE + 29),
        # It goes while we look.
        (ESTIMATE, ESTIMATE + 9, ESTIMATE + 2 * PADDED),
        (ESTIMATE, ESTIMATE, ESTIMATE),
    ],
)
async def test_an_estimate(numbers: tuple[int, ...]) -> None:
    with pytest.raises(TurnFailed) as caught:
        await count_tokens(Saying(*numbers), MESSAGES, "opus", ())
    assert caught.value.failure.status == 502


def test_no_category_is_no_token() -> None:
    assert parse_context({"categories": [{"id": "free_space", "tokens": 5}]}) == 0


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"categories": {}},
        *({"categories": [{"id": "messages", "tokens": tokens}]} for tokens in (None, "5", -1, True, 1.5)),
    ],
)
def test_nonsense(response: dict[str, Any]) -> None:
    with pytest.raises(InstanceNonsense, match="described its context without"):
        parse_context(response)


async def test_an_instance_keeps_its_system_prompt_and_a_fresh_one_takes_what_is_counted() -> None:
    async with launcher().open() as instance:
        assert await count_tokens(instance, MESSAGES, "opus", ("a", "b")) > 0
        await instance.reset()
        assert instance.suits(("a", "b")) == 1
        assert await count_tokens(instance, MESSAGES, "opus", ("c",)) > 0
        await instance.reset()
        assert instance.suits(("a", "b")) == 1
        assert instance.suits(("c",)) is None


async def test_a_refused_inquiry_ends_no_instance() -> None:
    async with launcher().open() as instance:
        await instance.take_in(MESSAGES, "opus", ())
        with pytest.raises(TurnFailed, match="the CLI refuses get_context_usage: "):
            await instance.describe_context("nonsense")  # type: ignore[arg-type] # the CLI's mistake, made by us
        await instance.reset()
        assert await ask(instance, "again") == "Demo echo: again"
