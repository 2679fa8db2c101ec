"""`ccproxy-trio stats`."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from ccproxy_trio.address import local_url
from ccproxy_trio.cli.settings_command import SettingsCommand

if TYPE_CHECKING:
    from ccproxy_trio.cli.settings_command import Sources


def _stats(sources: Sources, url: str | None, key_env: str, watch: bool, interval: float) -> None:
    """Show how the pool of a running server does.

    With --watch the table is drawn anew until you press Ctrl-C, with rates; a server that goes away is waited for.
    Where the output is no terminal, the tables come one below the other, without colours.

    A server with keys wants one. It is read from an environment variable, for every user of a machine can read its
    command lines.

    \b
    Examples:
      ccproxy-trio stats
      ccproxy-trio stats --watch --interval 5
      CCPROXY_KEY=ccproxy-… ccproxy-trio stats --url https://ai.example.com
    """
    try:
        target = url or local_url(sources.load().server)
    except ValueError as error:
        raise click.UsageError(f"{error}; tell the server's with --url") from error
    from ccproxy_trio.watch import Place, run

    try:
        place = Place.parse(target, os.environ.get(key_env, "").strip() or None)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    sys.exit(run(place, repeat=interval if watch else None, wants_key=f"${key_env}"))


def _interval(_ctx: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not 0.1 <= value <= 3600:  # a NaN is not in between, either
        raise click.BadParameter("a number of seconds from 0.1 to 3600")
    return value


stats = SettingsCommand(
    "stats",
    _stats,
    params=[
        click.Option(["--watch", "-w"], is_flag=True, help="Draw the table anew, again and again."),
        click.Option(
            ["--interval"],
            type=float,
            default=1.0,
            show_default=True,
            metavar="SECONDS",
            callback=_interval,
            help="How long to wait in between.",
        ),
        click.Option(["--url"], metavar="URL", help="Where the server is, if not where the settings say."),
        click.Option(
            ["--key-env"],
            default="CCPROXY_KEY",
            show_default=True,
            metavar="VARIABLE",
            help="What has the key.",
        ),
    ],
    shown=("server.host", "server.port"),
)
