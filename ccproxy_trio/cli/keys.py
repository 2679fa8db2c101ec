"""`ccproxy-trio keys`."""

from __future__ import annotations

import re

import click

from ccproxy_trio.settings import KEY_NAME, hash_key, new_key, show_name


@click.group()
def keys() -> None:
    """The keys of those who may call."""


@keys.command(short_help="Print a fresh key, this once, and its hash.")
@click.option(
    "--name", default="default", show_default=True, help="What to call it: whose it is, or what for."
)
def new(name: str) -> None:
    """Print a fresh key, this once, and the lines for the settings, which hold only its hash.

    \b
    Examples:
      ccproxy-trio keys new --name alice
    """
    if not re.fullmatch(KEY_NAME, name):
        raise click.BadParameter(
            "letters, digits, and . _ @ - after the first, 39 at most", param_hint="--name"
        )
    key = new_key()
    click.echo(f"{key}\n")
    click.echo(f"# for the file of settings, and for nobody but this server\n[server.keys.{show_name(name)}]")
    click.echo(f'hash = "{hash_key(key)}"')
