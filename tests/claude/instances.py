"""Instances over the stand-in, as it is or with one word of its protocol replaced."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ccproxy_trio.claude.demo import command
from ccproxy_trio.claude.instance import Instance, Timeouts
from ccproxy_trio.claude.launcher import Launcher
from ccproxy_trio.claude.locate import Cli, locate_cli
from ccproxy_trio.claude.source import build_source
from ccproxy_trio.dialects.anthropic.request import MessagesRequest, parse_request

ENVIRON = {"PATH": os.environ["PATH"], "ANTHROPIC_API_KEY": "dummy"}

FILTER = """#!{python}
import os, subprocess, sys
with open({log!r}, "a") as log:
    key, url = (os.environ.get(f"ANTHROPIC_{{name}}") for name in ("API_KEY", "BASE_URL"))
    log.write(f"key={{key}} url={{url}}\\n")
child = subprocess.Popen([*{command!r}, *sys.argv[1:]], stdin=sys.stdin, stdout=subprocess.PIPE)
for line in child.stdout:
    sys.stdout.buffer.write(line.replace({old!r}, {new!r}))
    sys.stdout.buffer.flush()
sys.exit(child.wait())
"""


def cli_that_says(folder: Path, old: bytes, new: bytes) -> Cli:
    """The stand-in, with one word of its protocol replaced; it also writes down each start."""
    path = folder / "claude"
    log = str(folder / "starts")
    path.write_text(FILTER.format(python=sys.executable, log=log, command=command(), old=old, new=new))
    path.chmod(0o755)
    cli = locate_cli(str(path), "auto", ENVIRON)
    Path(log).unlink()  # that was `--version`
    return cli


def starts(folder: Path) -> list[str]:
    return (folder / "starts").read_text().splitlines()


def launcher(cli: Cli | None = None, timeouts: Timeouts | None = None) -> Launcher:
    """For the stand-in, unless another CLI is given."""
    cli = cli or locate_cli("", "auto", ENVIRON, demo=True)
    return Launcher(build_source(cli, "sonnet", ENVIRON, timeouts or Timeouts()))


def request(text: str) -> MessagesRequest:
    body = b'{"model": "sonnet", "max_tokens": 100, "messages": [{"role": "user", "content": "%s"}]}'
    return parse_request(body % text.encode())


def hurry(instance: Instance, **timeouts: float) -> None:
    """Let it be silent for so long from now on; before, it has had the time that a busy machine needs."""
    instance._timeouts = Timeouts(**timeouts)


async def ask(instance: Instance, text: str) -> str:
    turn = await instance.begin(request(text), "sonnet")
    said = ""
    while events := await turn.receive():
        for event in events:
            if event["type"] == "content_block_delta":
                said += event["delta"]["text"]
    return said
