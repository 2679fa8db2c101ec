"""A command that works with the settings: it takes the flags that `serve` takes, made from the settings' classes.

An option added there is a flag here. The flags' texts are left to the loader, which reports every mistake at once.
Commands beside `serve` show in their help only the flags that they are mostly used with; they take all of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import click

from ccproxy_trio.settings import OPTIONS, SECTIONS, Option, Settings, load, show

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

_CONFIG_HELP = (
    "Settings in TOML or, if it ends in .json, in JSON. Without it: $CONFIG_FILE, or the first of .ccproxy.toml and "
    "ccproxy.toml here or at the git root, or ccproxy/config.toml in $XDG_CONFIG_HOME."
)
_ALL_FLAGS = "Every option of `ccproxy-trio serve` may be given here, too, and counts as it does there."


@attrs.frozen
class Sources:
    """What a command line says of the settings."""

    config: Path | None
    flags: Mapping[str, object]

    def load(self) -> Settings:
        """The settings that `serve` would have here. Raises SettingsError."""
        return load(config=self.config, environ=os.environ, flags=self.flags, cwd=_working_directory())


class SettingsCommand(click.Command):
    """A command whose callback gets `sources` beside its own parameters."""

    def __init__(
        self,
        name: str,
        callback: Callable[..., None],
        *,
        params: Sequence[click.Parameter] = (),
        shown: Collection[str] = (),
        short_help: str | None = None,
    ) -> None:
        """`shown` are the keys of the options that the help lists; `short_help` stands in lists of commands."""
        shown = set(shown)
        config = click.Option(
            ["--config"], type=click.Path(path_type=Path), metavar="FILE", help=_CONFIG_HELP
        )
        flags = [
            _flag(option, hidden=key not in shown) for key, option in OPTIONS.items() if not option.secret
        ]
        super().__init__(
            name,
            callback=callback,
            help=callback.__doc__,
            short_help=short_help,
            params=[*params, config, *flags],
            epilog=None if shown == set(OPTIONS) else _ALL_FLAGS,
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Put the settings' flags that were given into one value."""
        flags = {key: value for name, value in ctx.params.items() if (key := _key(name)) in OPTIONS}
        given = {key: value for key, value in flags.items() if value not in (None, ())}
        own = {name: value for name, value in ctx.params.items() if _key(name) not in OPTIONS}
        ctx.params = {"sources": Sources(own.pop("config"), given), **own}
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the flags under the sections of the settings."""
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in ("Options", *map(_title, SECTIONS))}
        for parameter in self.get_params(ctx):
            if (row := parameter.get_help_record(ctx)) is not None:
                option = OPTIONS.get(_key(parameter.name))
                rows["Options" if option is None else _title(option.section)].append(row)
        for title, records in rows.items():
            if records:
                with formatter.section(title):
                    formatter.write_dl(records)


def _title(section: str) -> str:
    return f"[{section}]"


def _key(parameter: str | None) -> str:
    return (parameter or "").replace("__", ".", 1)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise click.UsageError("the working directory is gone") from error


def _flag(option: Option, *, hidden: bool) -> click.Option:
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
        hidden=hidden,
        **details,
    )
