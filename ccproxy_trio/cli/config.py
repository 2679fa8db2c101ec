"""`ccproxy-trio config`: make a file of settings, check it, and show what is in force."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ccproxy_trio.cli.settings_command import SettingsCommand
from ccproxy_trio.settings import OPTIONS, list_effective, read_example, show

if TYPE_CHECKING:
    from ccproxy_trio.cli.settings_command import Sources


@click.group(short_help="Make a file of settings, check it, show what is in force.")
def config() -> None:
    """The settings: make a file of them, check it, and show what is in force."""


@config.command(short_help="Write the commented example of all options.")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True), default="ccproxy.toml")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def init(file: Path, force: bool) -> None:
    """Write the commented example, which has every option at its default.

    FILE is ccproxy.toml in the working directory unless you name another; - prints the example. A file that is there
    is kept, unless you say --force. Keep the lines that you change, and throw away the rest as you like.

    \b
    Examples:
      ccproxy-trio config init
      mkdir -p ~/.config/ccproxy && ccproxy-trio config init ~/.config/ccproxy/config.toml
    """
    if str(file) == "-":
        click.echo(read_example(), nl=False)
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as written:
            written.write(read_example())
    except FileExistsError:
        raise click.UsageError(f"{file} is there already; --force replaces it") from None
    except OSError as error:
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
    click.echo(f"{file} is written. After your changes: ccproxy-trio config validate --config {file}")


def _validate(sources: Sources) -> None:
    """Load the settings as `serve` would, and print every problem that they have.

    The exit code is 0 when they can be used, and 2 when not. Nothing is started; whether the CLI and the port are
    there is what `ccproxy-trio doctor` looks at.

    \b
    Examples:
      ccproxy-trio config validate
      ccproxy-trio config validate --config new.toml && cp new.toml ccproxy.toml
    """
    settings = sources.load()
    count = sum(settings.origin(key) != "default" for key in OPTIONS)
    options = "1 option is" if count == 1 else f"{count} options are"
    click.echo(f"The settings can be used: {options} set ({settings.file or 'no file'}).")


def _show(sources: Sources, as_json: bool) -> None:
    """Show every option as it counts, and where its value came from.

    What is secret is hidden. In JSON, times that are endless are the text "inf".

    \b
    Examples:
      ccproxy-trio config show
      ccproxy-trio config show --max-size 20
      ccproxy-trio config show --json | jq '.options["server.port"]'
    """
    settings = sources.load()
    options = list_effective(settings)
    if as_json:
        document = {
            "file": None if settings.file is None else str(settings.file),
            "options": {each.key: {"value": each.value, "origin": each.origin} for each in options},
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    rows = [(each.key, show(each.value, 3), each.origin) for each in options]
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for key, value, origin in rows:
        line = f"{key:<{widths[0]}}  {value:<{widths[1]}}  {origin}"
        click.echo(click.style(line, dim=True) if origin == "default" else line)


config.add_command(SettingsCommand("validate", _validate, short_help="Load the settings as `serve` would."))
config.add_command(
    SettingsCommand(
        "show",
        _show,
        short_help="Show every option, and where its value came from.",
        params=[click.Option(["--json", "as_json"], is_flag=True, help="Print JSON.")],
    )
)
