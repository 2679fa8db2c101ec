"""The command line: a file for each command, thin, every one of them one call into what lies below.

Rules:
* A user's mistake ends with exit code 2 and a message, never with a traceback; what a command finds wrong with the
  world, such as a server that is not there or a full disk, with 1.
* What takes long to import (the server's stack takes a second) is imported by the command that needs it, when it
  runs, so that `--help`, completion and a wrong setting answer at once.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import click

from ccproxy_trio import __version__
from ccproxy_trio.cli.client_env import client_env
from ccproxy_trio.cli.completion import completion
from ccproxy_trio.cli.config import config
from ccproxy_trio.cli.doctor import doctor
from ccproxy_trio.cli.keys import keys
from ccproxy_trio.cli.serve import serve
from ccproxy_trio.cli.stats import stats
from ccproxy_trio.settings import SettingsError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class _Program(click.Group):
    """The group of all commands, in the order in which a newcomer needs them."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program; a disk that takes nothing more is told in a word."""
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            what = f"{error.filename}: " if error.filename else ""
            click.echo(f"ccproxy-trio: {what}{error.strerror}", err=True)
            # What could not be written is not to be tried again at the end, where nothing catches the error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; settings that cannot be used are the user's mistake, whichever command reads them."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            click.echo(error, err=True)
            ctx.exit(2)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """As they were added."""
        return list(self.commands)


@click.group(cls=_Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ccproxy-trio")
def main() -> None:
    """A pool of warm Claude Code processes behind the Anthropic Messages API, and OpenAI's.

    \b
    A first try, which needs no login:
      ccproxy-trio serve --demo
    With your own Claude Code:
      ccproxy-trio doctor
      ccproxy-trio serve
    Then, in another terminal, for the clients there:
      eval "$(ccproxy-trio client-env --client anthropic)"
    """


for _command in (serve, doctor, config, keys, client_env, stats, completion):
    main.add_command(_command)
