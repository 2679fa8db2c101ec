"""How many tokens messages have, as the upstream API counts them: asked of an instance, which asks the API.

The CLI tells how full its context is, and has the API count the messages for that. It is silent about a count that
failed: in the place of the API's number it puts an estimate of its own. So the estimate is asked for, too, and a
number that differs from it is the API's. One that equals it must pass a trial: the same short exchange is added
twice, with a block in it that the CLI estimates and leaves out of what it sends. The API's numbers grow twice by the
same few tokens then, an estimate grows by many, and from an estimate to a number of the API's it is another step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from ccproxy_trio.dialects.anthropic.conversation import Message
from ccproxy_trio.dialects.failures import Failure

from .errors import InstanceNonsense, TurnFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .instance import Instance, SystemPrompt

_NO_COUNT = Failure(
    502,
    "the upstream API gave no count: it refused the request, does not know the model, or could not be reached; "
    "the CLI does not tell which",
)
_PADDING = 3000  # characters, of which the CLI's estimate is a fourth or a third
_TEXT = {"type": "text", "text": "ok"}
_EXCHANGE = (
    Message(
        "assistant", (_TEXT, {"type": "fallback", "from": {"model": "x" * _PADDING}, "to": {"model": "x"}})
    ),
    Message("user", (_TEXT,)),
)
_FEW_TOKENS = 32
"""More than the exchange has, and far less than the estimate for it."""


def as_message(system: SystemPrompt) -> tuple[Message, ...]:
    """A conversation with the text of a system prompt in it; none without a prompt."""
    return (Message("user", ({"type": "text", "text": "\n\n".join(system)},)),) if system else ()


async def count_tokens(
    instance: Instance, messages: Sequence[Message], model: str, system: SystemPrompt
) -> int:
    """The API's count for the messages alone; an instance that is bound to no system prompt yet takes `system`.

    Raises InstanceError, or TurnFailed when the API gave no count. However it ends, `reset` must follow.
    """
    await instance.take_in(messages, model, system)
    told = await _look(instance, "full")
    if told == await _look(instance, "summary"):
        await instance.append(_EXCHANGE)
        longer = await _look(instance, "full")
        await instance.append(_EXCHANGE)
        longest = await _look(instance, "full")
        if not 0 < longer - told == longest - longer <= _FEW_TOKENS:
            raise TurnFailed(_NO_COUNT)
    return told


async def _look(instance: Instance, detail: Literal["full", "summary"]) -> int:
    return parse_context(await instance.describe_context(detail))


def parse_context(response: dict[str, Any]) -> int:
    """The number for the messages in the CLI's answer to `get_context_usage`. Raises InstanceNonsense."""
    categories = response.get("categories")
    if not isinstance(categories, list):
        raise InstanceNonsense("the claude process described its context without categories")
    for category in categories:
        if isinstance(category, dict) and category.get("id") == "messages":
            tokens = category.get("tokens")
            if not isinstance(tokens, int) or isinstance(tokens, bool) or tokens < 0:
                raise InstanceNonsense("the claude process described its context without a number of tokens")
            return tokens
    return 0  # as the CLI leaves out what has none
