"""`ccproxy-trio completion`."""

from __future__ import annotations

import click

_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/ccproxy-trio",
    "zsh": '"${fpath[1]}/_ccproxy-trio"',
    "fish": "~/.config/fish/completions/ccproxy-trio.fish",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_PLACES)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands and options.

    The printed script says at its end where it goes.

    \b
    Examples:
      source <(ccproxy-trio completion bash)
      ccproxy-trio completion fish > ~/.config/fish/completions/ccproxy-trio.fish
    """
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None  # click knows these three
    script = found(ctx.find_root().command, {}, "ccproxy-trio", "_CCPROXY_TRIO_COMPLETE").source()
    click.echo(script.rstrip("\n"))
    click.echo(f"# For every new {shell}: ccproxy-trio completion {shell} > {_PLACES[shell]}")
