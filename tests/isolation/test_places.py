"""No field of a request is ever in a command line, in a process's variables, or in a path; nor in what is printed.

Looked at are the server and all that it starts, while a request is held under way, when it has been left, and when a
new instance was started for the next. Everything goes to the CLI by messages, the extra body and the limit of the
answer as well; of these two the CLI makes variables for itself, which a `git` that it starts now and then inherits.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import orjson
import pytest
import trio
from attrs import evolve

from ccproxy_trio.settings import hash_key
from tests.cli.conftest import claude_binary as claude_binary
from tests.fake_api import open_fake_api
from tests.isolation.canaries import canary, find_canaries, find_in_files
from tests.isolation.places import everything, find_in_places, headers, target
from tests.isolation.run import KEYS
from tests.isolation.speech import PATHS
from tests.serve.conftest import scratch as scratch
from tests.serve.running import SERVE, Scratch, Server, open_server
from tests.server.http_client import open_exchange

if TYPE_CHECKING:
    from pathlib import Path

GIT = """#!/bin/sh
{{ printf '%s\\0' "$@" "$(pwd)"; env -0; }} >> {records}/$$
exit 1
"""
LIMIT = b"CLAUDE_CODE_MAX_OUTPUT_TOKENS=424242"

DIALECTS = tuple(PATHS)

SETTINGS = f"""
[pool_settings]
min_size = 1
max_size = 1
acquire_timeout = 20.0
[server.keys.caller]
hash = "{hash_key(KEYS[0])}"
"""


async def hold(server: Server, scratch: Scratch, number: int) -> set[int]:
    """Look around while a request with everything is under way, and when its client has left; the instances."""
    word, dialect = canary(number), DIALECTS[number]
    body = orjson.dumps(everything(word, dialect))
    path, heads = target(word, dialect), headers(word, KEYS[0])
    async with open_exchange(server.port, path, body, headers=heads) as exchange:
        read = await exchange.chunk()
        assert exchange.status == 200, read
        while word.encode() not in read:
            read += await exchange.chunk()
        assert not (found := find_in_places(scratch)), found
        instances = scratch.instances
    await until_at_rest(server)
    assert not (found := find_in_places(scratch)), found
    return instances


async def until_at_rest(server: Server) -> None:
    with trio.fail_after(20):
        while (await server.get("/readyz")).status != 200:  # noqa: ASYNC110 -- no event tells
            await trio.sleep(0.01)


async def hold_each(server: Server, scratch: Scratch) -> None:
    # Each has a system prompt of its own, and so a process that is started when all before are known.
    instances = [await hold(server, scratch, number) for number in range(len(DIALECTS))]
    assert all(not one & other for one, other in pairwise(instances))
    assert find_canaries(server.stdout.value + server.stderr.value) == set()


async def test_over_the_stand_in(scratch: Scratch) -> None:
    (scratch.working / "ccproxy.toml").write_text(SETTINGS)
    async with open_server(SERVE, evolve(scratch, variables={"CLAUDE__DEMO": "true"})) as server:
        await hold_each(server, scratch)
    assert find_in_places(scratch) == {}


@pytest.mark.cli
async def test_over_the_real_cli(
    scratch: Scratch, claude_binary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("programs")
    git, records = folder / "git", folder / "records"
    records.mkdir()
    git.write_text(GIT.format(records=records))
    git.chmod(0o755)
    (scratch.working / "ccproxy.toml").write_text(SETTINGS)
    async with open_fake_api() as api:
        variables = {
            "PATH": f"{folder}:{os.defpath}",
            "ANTHROPIC_BASE_URL": api.url,
            "ANTHROPIC_API_KEY": "dummy",
            "CLAUDE__CLI_PATH": str(claude_binary),
        }
        async with open_server(SERVE, evolve(scratch, variables=variables)) as server:
            await hold_each(server, scratch)
        assert find_in_places(scratch) == {}
        assert [find_canaries(json.dumps(turn.body)) for turn in api.turns] == [
            {canary(number)} for number in range(len(DIALECTS))
        ]
    told = [
        each
        for record in records.iterdir()  # one for each process: several may run at once
        for each in record.read_bytes().split(b"\0")
        if find_canaries(each) or b"424242" in each
    ]
    assert {each for each in told if not each.startswith(b"CLAUDE_CODE_EXTRA_BODY=")} == {LIMIT}


@pytest.mark.parametrize("place", ["cmdline", "environ", "cwd", "fd", "a file", "a file's name"])
def test_what_is_there_is_found(scratch: Scratch, place: str) -> None:
    """The test above would see it."""
    word = canary(1)
    folder = scratch.working / (word if place == "cwd" else "other")
    folder.mkdir()
    file = folder / (word if place in ("fd", "a file's name") else "file")
    file.write_text(word if place == "a file" else "")
    command = [sys.executable, "-c", "import sys; sys.stdin.read()", word if place == "cmdline" else ""]
    with (
        file.open() as opened,
        subprocess.Popen(
            command,
            cwd=folder,
            env={"X": word} if place == "environ" else {},
            stdin=subprocess.PIPE,
            stdout=opened if place == "fd" else None,
        ) as process,
    ):
        found = find_in_places(scratch)
        process.communicate(b"")
    if place.startswith("a file"):
        assert found == {str(file): {word}}
    else:
        assert found.pop(str(folder), {word}) == found.pop(str(file), {word}) == {word}
        assert [set(each.split()[:1]) for each in found] == [{str(process.pid)}], found


def test_what_is_given_another_name_while_one_looks_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> bytes:
        if path.name == "one":
            path.rename(path.with_name("another"))
        with path.open("rb") as file:
            return file.read()

    (tmp_path / "one").write_text(canary(1))
    monkeypatch.setattr(type(tmp_path), "read_bytes", read)
    assert find_in_files(tmp_path) == {str(tmp_path / "another"): {canary(1)}}
