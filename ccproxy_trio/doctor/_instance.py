"""One instance, as the server would have it: started, probed, and asked one short question.

The question is a request to the API, for which somebody pays. It is announced, and asked only where it is wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio
from attrs import evolve

from ccproxy_trio.claude.errors import InstanceError, TurnFailed
from ccproxy_trio.claude_pool import open_claude_pool
from ccproxy_trio.dialects.anthropic.events import InvalidStream, MessageAssembler
from ccproxy_trio.dialects.failures import InvalidRequest
from ccproxy_trio.doctor._finding import Finding
from ccproxy_trio.doctor._limits import read_memory
from ccproxy_trio.pool import PoolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ccproxy_trio.claude.instance import Instance
    from ccproxy_trio.claude.locate import Cli
    from ccproxy_trio.claude_pool import ClaudePool
    from ccproxy_trio.settings import Settings

_QUESTION = "Answer with the one word: ready"
_LARGEST_ANSWER = 16
_MARGIN = 5.0

_NO_START = "Run the binary by hand as the server's user; what it says there is what keeps it from starting"
_OTHERWISE = "Look at the way to the API: ANTHROPIC_BASE_URL, HTTPS_PROXY, and whether this machine is online"
_NO_REWIND = "Every request gets an instance of its own, half a second later: use another version of the CLI"
_BY_STATUS = {
    401: "The credential is not taken: log in anew with `claude` as the server's user, or set another key",
    403: "The credential may not do this: look at its rights, or set another key",
    404: "claude.default_model names a model that this credential does not have",
    429: "The credential has reached a limit: wait, or raise the limit where you have it from",
    529: "The API is overloaded: try again in a while",
}


async def try_instance(
    settings: Settings,
    cli: Cli,
    environ: Mapping[str, str],
    *,
    no_turn: str,
    report: Callable[[Finding], None],
    announce: Callable[[str], None],
) -> int | None:
    """Report on start, probe and turn. The bytes that the instance took in memory, if there was one.

    `no_turn` is why there is to be no turn, or empty.
    """
    one = evolve(
        settings.pool_settings, enabled=True, min_size=1, max_size=1, min_fresh=0, warmup_on_startup=True
    )
    began = trio.current_time()
    async with open_claude_pool(evolve(settings, pool_settings=one), cli=cli, environ=environ) as claude:
        try:
            async with claude.pool.acquire(timeout=one.create_timeout + _MARGIN) as lease:
                instance = lease.value
        except PoolError as error:
            reason = error.__cause__ or error
            report(Finding("start", "failed", f"no instance starts: {reason}", _NO_START))
            report(Finding("probe", "skipped", "no instance starts"))
            report(Finding("turn", "skipped", "no instance starts"))
            return None
        seconds = trio.current_time() - began
        text = f"an instance was ready after {seconds:.2f} s, the probe included"
        report(Finding("start", "ok", text, details={"seconds": seconds}))
        report(check_probe(instance))
        if no_turn:
            report(Finding("turn", "skipped", no_turn))
        else:
            if not cli.demo:
                announce(
                    f"asking {settings.claude.default_model} one short question of the API, at the cost of "
                    f"{cli.authentication.description} (--no-turn leaves it out)"
                )
            report(await check_turn(claude, settings.claude.default_model))
        return read_memory(instance.pid)


def check_probe(instance: Instance) -> Finding:
    """Whether the CLI forgets a conversation when it is told to, so that its instances can be used again."""
    if instance.reusable:
        return Finding("probe", "ok", "the CLI forgets when told to: instances are used again")
    return Finding("probe", "warning", "the CLI does not forget when told to", _NO_REWIND)


async def check_turn(claude: ClaudePool, model: str) -> Finding:
    """Ask a warm instance one question, and measure."""
    question = {"role": "user", "content": _QUESTION}
    request = {"model": model, "max_tokens": _LARGEST_ANSWER, "messages": [question]}
    assembler = MessageAssembler()
    message = None
    began = trio.current_time()
    try:
        async with claude.stream(request) as answer:
            first = trio.current_time() - began
            async for event in answer:
                message = assembler.feed(event) or message
            whole = trio.current_time() - began
    except TurnFailed as error:
        remedy = _BY_STATUS.get(error.failure.status, _OTHERWISE)
        return Finding("turn", "failed", f"{error.failure.status}: {error.failure.message}", remedy)
    except InstanceError as error:
        return Finding("turn", "failed", error.told_to_its_client, _OTHERWISE)
    except (PoolError, InvalidRequest, InvalidStream) as error:
        return Finding("turn", "failed", str(error), _OTHERWISE)
    usage = (message or {}).get("usage", {})
    tokens = {name: usage.get(name) for name in ("input_tokens", "output_tokens")}
    text = (
        f"first event after {first * 1000:.0f} ms, whole answer after {whole * 1000:.0f} ms "
        f"({tokens['input_tokens']} tokens in, {tokens['output_tokens']} out)"
    )
    details = {"first_event_seconds": first, "seconds": whole, "model": model, **tokens}
    return Finding("turn", "ok", text, details=details)
