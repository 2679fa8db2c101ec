"""What every command says of itself, completion in a real shell, and that help and mistakes come at once."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from ccproxy_trio.cli import main
from tests.commands.conftest import invoke

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


COMMANDS = dict(commands(main))


def test_these_are_the_commands() -> None:
    assert [" ".join(path) for path in COMMANDS] == [
        *("serve", "doctor", "config", "config init", "config validate", "config show", "keys", "keys new"),
        *("client-env", "stats", "completion"),
    ]


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    paragraphs = result.output.split("\n\n")
    assert paragraphs[0].startswith(f"Usage: ccproxy-trio {' '.join(path)} [OPTIONS]")
    assert paragraphs[1].strip().endswith(".")
    if not isinstance(COMMANDS[path], click.Group):
        examples = [part for part in paragraphs if part.startswith("  Examples:\n")]
        assert len(examples) == 1
        assert f"ccproxy-trio {' '.join(path)}" in examples[0]


@pytest.mark.parametrize("group", [[], ["config"], ["keys"]], ids=" ".join)
def test_lists_of_commands_say_whole_sentences(group: list[str]) -> None:
    _, listed = invoke(*group, "--help").output.split("\nCommands:\n")
    assert "..." not in listed


def in_a_shell(shell: str, script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """With `ccproxy-trio` on its PATH."""
    program = folder / "ccproxy-trio"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -W error -m ccproxy_trio "$@"\n')
    program.chmod(0o700)
    switches = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    environ = {"PATH": f"{folder}:{os.defpath}", **switches}
    command = [shell, "-uc", script]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=30, check=False
    )


def test_bash_completes_commands_and_hidden_flags_stay_hidden(tmp_path: Path) -> None:
    script = """
        source <(ccproxy-trio completion bash)
        for words in 'ccproxy-trio co' 'ccproxy-trio config show --js' 'ccproxy-trio doctor --max'; do
            COMP_WORDS=($words); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _ccproxy_trio_completion ccproxy-trio
            echo "${COMPREPLY[@]}"
        done
        complete -p ccproxy-trio
    """
    done = in_a_shell("/bin/bash", script, tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "config completion",
        "--json",
        "",
        "complete -o nosort -F _ccproxy_trio_completion ccproxy-trio",
    ]


@pytest.mark.parametrize(("shell", "place"), [("zsh", "fpath"), ("fish", "~/.config/fish/completions")])
def test_completion_says_where_it_goes(shell: str, place: str) -> None:
    *_, last = invoke("completion", shell).output.splitlines()
    assert last.startswith(f"# For every new {shell}: ccproxy-trio completion {shell} > ")
    assert place in last


def test_what_zsh_loads_by_itself_begins_with_its_mark() -> None:
    assert invoke("completion", "zsh").output.startswith("#compdef ccproxy-trio\n")


def test_a_reader_that_leaves_is_no_error_of_ours(tmp_path: Path) -> None:
    done = in_a_shell("/bin/sh", "ccproxy-trio config init - | head -n 1", tmp_path)
    assert done.stdout.startswith("# The settings of ccproxy-trio")
    assert done.stderr == ""


def test_no_command_is_slow_to_load(tmp_path: Path) -> None:
    heavy = "{'trio', 'quart', 'hypercorn', 'http.client', 'ccproxy_trio.doctor'}"
    program = f"import sys, ccproxy_trio.cli; print({heavy} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "set()\n"
