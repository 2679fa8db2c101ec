"""A CLI that cannot be started: its clients are told why at once, and it is tried again until it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve

from ccproxy_trio.claude.demo import command
from tests.server.proxy import Backend, Proxy, open_proxy

if TYPE_CHECKING:
    from pathlib import Path

FAILING_CLI = """#!/bin/sh
case "$*" in *--version) ;; *) if [ -e {broken} ]; then . {broken}; fi ;; esac
exec {command} "$@"
"""

FAULTS = {
    "echo no luck >&2; exit 3": "the claude process exited with status 3: no luck",
    "kill -9 $$": "the claude process exited with status -9",
    "echo nonsense": "the claude process wrote a line of 8 bytes that is not JSON: ",
    "sleep 1000": "create took longer than 1.0 s",
}


def failing_cli(demo: Backend, folder: Path, fault: str) -> tuple[Backend, Path]:
    """A CLI that fails as long as the second of these is there."""
    cli, broken = folder / "claude", folder / "broken"
    cli.write_text(FAILING_CLI.format(broken=broken, command=" ".join(command())))
    cli.chmod(0o700)
    broken.write_text(fault)
    return evolve(demo, cli_path=str(cli)), broken


async def check_refused(proxy: Proxy, message: str) -> None:
    """Everybody is told why."""
    for stream in (False, True):
        reply = await proxy.ask("x", stream=stream)
        assert reply.failure[:2] == (529, "overloaded_error")
        assert f"no claude process can be started: {message}" in reply.failure[2]
        assert 1 <= int(reply.headers["retry-after"]) <= 30
    ready = await proxy.get("/readyz")
    assert ready.status == 503
    assert f"no instance can be started: {message}" in ready.json["reason"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_it_is_told_and_recovers(demo: Backend, tmp_path: Path, fault: str) -> None:
    backend, broken = failing_cli(demo, tmp_path, fault)
    async with open_proxy(backend, pool={"max_size": 2, "create_timeout": 1.0}) as proxy:
        # A first failure is tried again at once; from the second on it waits.
        await proxy.until(lambda now: now.create_failures > 1 and now.backoff_until is not None)
        await check_refused(proxy, FAULTS[fault])
        assert proxy.statistics.in_use == proxy.statistics.waiting == 0
        broken.unlink()
        await proxy.until(lambda now: now.backoff_until is None and now.idle > 0)
        assert (await proxy.get("/readyz")).status == 200
        assert (await proxy.ask("well")).text == "Demo echo: well"
        broken.write_text(fault)
        # What runs goes on; only what is to be started fails.
        assert (await proxy.ask("still well")).text == "Demo echo: still well"
        assert (await proxy.ask("[[die=before_first]]")).status == 502
        await proxy.until(lambda now: now.total == now.idle == 0 and now.backoff_until is not None)
        await check_refused(proxy, FAULTS[fault])
