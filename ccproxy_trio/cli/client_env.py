"""`ccproxy-trio client-env`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccproxy_trio.address import local_url
from ccproxy_trio.cli.settings_command import SettingsCommand
from ccproxy_trio.client_environment import CLIENTS, SHELLS, Unusable, write_environment

if TYPE_CHECKING:
    from ccproxy_trio.cli.settings_command import Sources


def _client_env(
    sources: Sources,
    client: tuple[str, ...],
    shell: str,
    url: str | None,
    key_env: str | None,
    key_file: Path | None,
) -> None:
    """Print the environment variables that lead clients to this server.

    Where it listens, and whether it wants a key, is what the settings say here. The key itself is not in the
    settings: name the variable or the file that has it, or put it in the place of YOUR_KEY.

    Not in the shell that starts the server: its own CLI would ask the server in place of the API.

    \b
    Examples:
      eval "$(ccproxy-trio client-env --client anthropic)"
      ccproxy-trio client-env --client openai --shell fish | source
      ccproxy-trio client-env --url https://ai.example.com --key-env MY_KEY
    """
    settings = sources.load()
    try:
        target = url or local_url(settings.server)
    except ValueError as error:
        raise click.UsageError(f"{error}; tell the server's with --url") from error
    try:
        click.echo(
            write_environment(
                client or tuple(CLIENTS),
                shell,
                url=target.rstrip("/"),
                model=settings.claude.default_model,
                key=_find_key(key_env, key_file),
                has_keys=bool(settings.server.keys),
            )
        )
    except Unusable as error:
        raise click.UsageError(str(error)) from error


def _find_key(variable: str | None, file: Path | None) -> str | None:
    if variable is not None and file is not None:
        raise click.UsageError("--key-env and --key-file are two places for one key")
    if variable is not None:
        if not (key := os.environ.get(variable, "").strip()):
            raise click.UsageError(f"--key-env: there is nothing in the variable {variable}")
        return key
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no text"
            raise click.UsageError(f"--key-file: {file} cannot be read: {reason}") from error
    return None


client_env = SettingsCommand(
    "client-env",
    _client_env,
    short_help="Print the variables that lead clients to this server.",
    params=[
        click.Option(
            ["--client"],
            multiple=True,
            type=click.Choice(list(CLIENTS)),
            help="Whom for; else for all of them.",
        ),
        click.Option(
            ["--shell"],
            type=click.Choice(list(SHELLS)),
            default="sh",
            show_default=True,
            help="Whose syntax.",
        ),
        click.Option(
            ["--url"], metavar="URL", help="Where clients reach the server, if not as the settings say."
        ),
        click.Option(["--key-env"], metavar="VARIABLE", help="Print the key that is in this variable."),
        click.Option(
            ["--key-file"],
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Print the key that is in this file.",
        ),
    ],
    shown=("server.host", "server.port"),
)
