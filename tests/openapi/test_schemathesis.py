"""schemathesis finds no answer that the document does not know, whatever it asks of a running server.

It runs in a process of its own, with a few hundred cases that are always the same; or, for so long as
`CCPROXY_SCHEMATHESIS_MINUTES` says, with all that it can think of.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import trio
from attrs import evolve

from ccproxy_trio.settings import hash_key, new_key
from tests.serve.conftest import scratch as scratch
from tests.serve.running import SERVE, Scratch, Server, open_server

MINUTES = float(os.environ.get("CCPROXY_SCHEMATHESIS_MINUTES", "0"))
PATIENCE = 60 * MINUTES + 240
"""Seconds for one run to come to its end."""
FEW = (["--generation-deterministic", "-n", "5"], "37")
"""Options for a quick run, and which of the systematic cases are tried: every so many-th."""
MANY = (["--max-time", f"{60 * MINUTES:.0f}", "-n", "1000000"], "1")
LEAST = 300
OPTIONS = {"CLAUDE__ALLOWED_TOOLS": '["web_search"]', "OPENAI__UNSUPPORTED": "ignore"}


@pytest.mark.timeout(PATIENCE + 60)
async def test_without_keys(scratch: Scratch) -> None:
    async with open_server(SERVE, scratch) as server:
        await examine(server, scratch)


@pytest.mark.timeout(PATIENCE + 60)
async def test_with_keys_and_what_can_be_allowed(scratch: Scratch) -> None:
    key = new_key()
    (scratch.working / "ccproxy.toml").write_text(f'[server.keys.ada]\nhash = "{hash_key(key)}"\n')
    scratch = evolve(scratch, variables={**scratch.variables, **OPTIONS})
    async with open_server(SERVE, scratch) as server:
        await examine(server, scratch, "--header", f"x-api-key: {key}")


async def examine(server: Server, scratch: Scratch, *options: str) -> None:
    """Let schemathesis ask the server; it finds nothing, and neither does the log."""
    here = Path(__file__).parent
    how, stride = MANY if MINUTES else FEW
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(here / "schemathesis.toml")]
    # A stream without an end cannot be waited for.
    run = [
        "run",
        f"http://127.0.0.1:{server.port}/openapi.json",
        "--no-color",
        "--exclude-path",
        "/pool/events",
    ]
    with trio.fail_after(PATIENCE):
        done = await trio.run_process(
            [*command, *run, "--phases", "examples,coverage,fuzzing", "--seed", "1", *how, *options],
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            cwd=scratch.working,
            env={
                "PATH": os.defpath,
                "HOME": str(scratch.home),
                "PYTHONPATH": str(here.parents[1]),
                "STRIDE": stride,
            },
        )
    told = done.stdout.decode()
    if done.returncode:
        pytest.fail(told + done.stderr.decode(), pytrace=False)
    found = re.search(r"(\d+) generated", told)
    assert found is not None, told
    assert int(found[1]) > LEAST
    assert " ERROR " not in server.stderr.value
    assert "Traceback" not in server.stderr.value
