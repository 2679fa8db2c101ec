"""The command line: thin, every command one call into what lies below.

A user's mistake ends with exit code 2 and a message, never with a traceback. The flags are made from the
settings' classes: an option added there is a flag here. What takes long to import (the server's stack takes a
second) is imported by the command that needs it, so that `--help` and a wrong setting answer at once.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import click

from ccproxy_trio import __version__
from ccproxy_trio.settings import (
    KEY_NAME,
    OPTIONS,
    SECTIONS,
    Option,
    SettingsError,
    hash_key,
    load,
    new_key,
    show,
    show_name,
)


class _Sections(click.Command):
    """A command whose help lists the flags under the sections of the settings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *map(_title, SECTIONS))}
        for parameter in self.get_params(ctx):
            if (row := parameter.get_help_record(ctx)) is not None:
                option = OPTIONS.get(_key(parameter.name))
                rows["Options" if option is None else _title(option.section)].append(row)
        for title, records in rows.items():
            with formatter.section(title):
                formatter.write_dl(records)


def _title(section: str) -> str:
    return f"[{section}]"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ccproxy-trio")
def main() -> None:
    """A pool of warm Claude Code processes behind the Anthropic Messages API."""


def _serve(config: Path | None, **flags: object) -> None:
    """Serve the Messages API from a pool of Claude CLI instances.

    Every option may also stand in a file (see --config), under its section, or in the environment, as
    SECTION__OPTION. Flags win over the environment, the environment over the file.
    """
    try:
        settings = load(config=config, environ=os.environ, flags=_given(flags), cwd=_working_directory())
    except SettingsError as error:
        click.echo(error, err=True)
        sys.exit(2)
    from ccproxy_trio.serve import run

    sys.exit(run(settings))


def _given(flags: dict[str, object]) -> dict[str, object]:
    """Leave out the flags that were not given."""
    return {_key(name): value for name, value in flags.items() if value not in (None, ())}


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise click.UsageError("the working directory is gone") from error


def _key(parameter: str | None) -> str:
    return (parameter or "").replace("__", ".", 1)


def _flag(option: Option) -> click.Option:
    """Make the flag of an option. Its text is left to the loader, which reports every mistake at once."""
    details: dict[str, Any] = {"default": None, "metavar": option.unit.upper() or "TEXT"}
    if option.kind is bool:
        details = {"default": None}
    elif option.is_list:
        details = {"multiple": True, "metavar": "|".join(option.choices) or "TEXT"}
    elif option.choices:
        details["metavar"] = "|".join(option.choices)
    elif option.kind is int and not option.unit:
        details["metavar"] = "NUMBER"
    elif option.kind not in (int, float, str):
        details = {"multiple": True, "metavar": "NAME=MODEL"}
    return click.Option(
        [option.variable.lower(), f"{option.flag}/{option.off_flag}" if option.kind is bool else option.flag],
        help=f"{option.meaning}  [default: {show(option.default)}]",
        **details,
    )


main.add_command(
    _Sections(
        "serve",
        callback=_serve,
        help=_serve.__doc__,
        params=[
            click.Option(
                ["--config"],
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Settings in TOML or, if it ends in .json, in JSON. Without it: $CONFIG_FILE, or the "
                "first of .ccproxy.toml and ccproxy.toml here or at the git root, or ccproxy/config.toml in "
                "$XDG_CONFIG_HOME.",
            ),
            *(_flag(option) for option in OPTIONS.values() if not option.secret),
        ],
    )
)


@main.group()
def keys() -> None:
    """The keys of those who may call."""


@keys.command()
@click.option(
    "--name", default="default", show_default=True, help="What to call it: whose it is, or what for."
)
def new(name: str) -> None:
    """Print a fresh key, this once, and the lines for the settings, which hold only its hash."""
    if not re.fullmatch(KEY_NAME, name):
        raise click.BadParameter(
            "letters, digits, and . _ @ - after the first, 39 at most", param_hint="--name"
        )
    key = new_key()
    click.echo(f"{key}\n")
    click.echo(f"# for the file of settings, and for nobody but this server\n[server.keys.{show_name(name)}]")
    click.echo(f'hash = "{hash_key(key)}"')
