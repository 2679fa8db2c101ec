"""`client-env`: what it prints leads the official clients to a server, in a real shell."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trio

from ccproxy_trio.client_environment import CLIENTS, NO_KEY, SHELLS, Unusable, write_environment
from ccproxy_trio.settings import hash_key, new_key
from tests.commands.conftest import invoke
from tests.serve.running import SERVE, open_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.serve.running import Scratch

NASTY = "a'b\"c$d`e\\f;g|h&i(j)k{l}m*n?o~p#q!r%s<t>u"
KEY = new_key()

ASK = """
import anthropic, openai
asked = [{"role": "user", "content": "Hello!"}]
with anthropic.Anthropic(max_retries=0) as client:
    print(client.messages.create(model="haiku", max_tokens=100, messages=asked).content[0].text)
with openai.OpenAI(max_retries=0) as client:
    print(client.chat.completions.create(model="haiku", messages=asked).choices[0].message.content)
    print(client.responses.create(model="haiku", input="Hello!").output_text)
"""


def lines(*arguments: str) -> list[str]:
    result = invoke("client-env", *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout.splitlines()


@pytest.mark.usefixtures("alone")
def test_it_follows_the_settings() -> None:
    assert lines("--client", "anthropic", "--client", "openai", "--port", "9000") == [
        "# Anthropic's clients",
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:9000",
        "export ANTHROPIC_API_KEY=unused",
        "# OpenAI's clients",
        "export OPENAI_BASE_URL=http://127.0.0.1:9000/v1",
        "export OPENAI_API_KEY=unused",
    ]
    assert lines("--client", "claude-code", "--host", "::1") == [
        "# Claude Code",
        "export ANTHROPIC_BASE_URL='http://[::1]:8000'",
        "export ANTHROPIC_AUTH_TOKEN=unused",
        "export CLAUDE_CODE_ATTRIBUTION_HEADER=0",
    ]
    assert lines("--client", "aider", "--default-model", "opus")[1:] == [
        "export OPENAI_API_BASE=http://127.0.0.1:8000/v1",
        "export OPENAI_API_KEY=unused",
        "export AIDER_MODEL=openai/opus",
    ]
    assert lines("--client", "langchain", "--host", "0.0.0.0")[1] == (
        "export ANTHROPIC_API_URL=http://127.0.0.1:8000"
    )


@pytest.mark.usefixtures("alone")
def test_all_clients_by_default() -> None:
    titles = [line for line in lines() if line.startswith("#")]
    assert titles == [f"# {client.title}" for client in CLIENTS.values()]


def test_where_keys_are_wanted_one_has_to_be_put_in(alone: Path) -> None:
    (alone / "ccproxy.toml").write_text(f'[server.keys.ada]\nhash = "{hash_key(KEY)}"\n')
    assert lines("--client", "anthropic", "--url", "https://ai.example.com/") == [
        "# put your key in the place of YOUR_KEY",
        "# Anthropic's clients",
        "export ANTHROPIC_BASE_URL=https://ai.example.com",
        "export ANTHROPIC_API_KEY=YOUR_KEY",
    ]


def test_the_key_is_taken_from_where_the_user_says(alone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", KEY)
    (alone / "key").write_text(f"{KEY}\n")
    expected = f"export ANTHROPIC_API_KEY={KEY}"
    assert lines("--client", "anthropic", "--key-env", "MINE")[-1] == expected
    assert lines("--client", "anthropic", "--key-file", "key")[-1] == expected


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--key-env", "NOT_THERE"], "--key-env: there is nothing in the variable NOT_THERE"),
        (["--key-file", "gone"], "--key-file: gone cannot be read: No such file or directory"),
        (["--key-file", "."], "--key-file: . cannot be read: Is a directory"),
        (["--key-file", "binary"], "--key-file: binary cannot be read: it is no text"),
        (["--key-file", "binary", "--key-env", "X"], "--key-env and --key-file are two places for one key"),
        (["--key-file", "prose"], "the key must be of ASCII letters, digits and signs, without a space"),
        (["--key-file", "empty"], "the key must be of ASCII letters, digits and signs, without a space"),
        (["--url", "ftp://x"], "the URL of a server begins with http:// or https://, and has no spaces"),
        (["--url", "http://a b"], "the URL of a server begins with http:// or https://, and has no spaces"),
        (["--port", "0"], "server.port is 0, which is any free port; tell the server's with --url"),
    ],
)
def test_mistakes(arguments: list[str], error: str, alone: Path) -> None:
    (alone / "binary").write_bytes(b"\xff\xfe")
    (alone / "prose").write_text("SECRET with a space")
    (alone / "empty").write_text("")
    result = invoke("client-env", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(f"Error: {error}\n")
    assert "SECRET" not in result.stderr


@pytest.mark.parametrize(
    ("shell", "line"),
    [
        ("fish", r"set -gx ANTHROPIC_API_KEY 'it\'s\\'"),
        ("powershell", r"$env:ANTHROPIC_API_KEY = 'it''s\'"),
    ],
)
def test_shells_that_are_not_here(shell: str, line: str) -> None:
    written = write_environment(["anthropic"], shell, url="http://x", model="m", key="it's\\", has_keys=False)
    assert written.splitlines()[-1] == line


def test_powershell_ends_texts_at_typographic_marks_too() -> None:
    assert SHELLS["powershell"]("A", "\u2018a\u2019") == "$env:A = '\u2018\u2018a\u2019\u2019'"


def test_a_key_with_a_line_in_it_is_refused() -> None:
    with pytest.raises(Unusable):
        write_environment(["openai"], "sh", url="http://x", model="m", key="a\nb", has_keys=False)


@pytest.mark.parametrize("key", [NASTY, NO_KEY])
def test_a_real_shell_gets_what_was_meant(key: str) -> None:
    text = write_environment(tuple(CLIENTS), "sh", url="http://x/$(id)", model="m'", key=key, has_keys=False)
    shown = 'printf "%s\\n" "$ANTHROPIC_API_KEY" "$OPENAI_API_KEY" "$ANTHROPIC_BASE_URL" "$AIDER_MODEL"'
    done = subprocess.run(
        ["/bin/sh", "-euc", f'eval "$1"\n{shown}', "sh", text],
        env={},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.splitlines() == [key, key, "http://x/$(id)", "openai/m'"]


async def by_printed_lines(scratch: Scratch, port: int, client: str, command: str) -> list[str]:
    """What a command prints in a shell that has taken the lines for a client."""
    client_env = f"{sys.executable} -m ccproxy_trio client-env --client {client} --port {port} --key-env MINE"
    with trio.fail_after(50):
        done = await trio.run_process(
            ["/bin/sh", "-euc", f'eval "$({client_env})" && unset MINE && exec {command}'],
            stdin=b"",
            capture_stdout=True,
            capture_stderr=True,
            check=False,
            env={**scratch.environment, "MINE": KEY},
            cwd=scratch.working,
        )
    return [*done.stdout.decode().splitlines(), *done.stderr.decode().splitlines()]


@pytest.mark.cli
async def test_the_clients_answer_by_the_printed_lines(scratch: Scratch, claude_binary: Path) -> None:
    (scratch.working / "ccproxy.toml").write_text(f'[server.keys.ada]\nhash = "{hash_key(KEY)}"\n')
    (scratch.path / "ask.py").write_text(ASK)
    async with open_server(SERVE, scratch) as server:
        official = f"{sys.executable} {scratch.path / 'ask.py'}"
        printed = await by_printed_lines(scratch, server.port, "anthropic --client openai", official)
        assert printed == 3 * ["Demo echo: Hello!"]
        code = f"{claude_binary} --model claude-sonnet-4-6 -p Hello!"
        assert await by_printed_lines(scratch, server.port, "claude-code", code) == ["Demo echo: Hello!"]
