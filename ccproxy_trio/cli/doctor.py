"""`ccproxy-trio doctor`."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from ccproxy_trio.cli.settings_command import SettingsCommand

if TYPE_CHECKING:
    from ccproxy_trio.cli.settings_command import Sources
    from ccproxy_trio.doctor import Finding

_STATES = {
    "ok": ("ok", "green"),
    "warning": ("warning", "yellow"),
    "failed": ("FAILED", "red"),
    "skipped": ("skipped", "bright_black"),
}


def _doctor(sources: Sources, turn: bool, as_json: bool) -> None:
    """Look whether a server would work here, and say what to do where it would not.

    The CLI, how it authenticates itself, one instance with a short question, the limits on files and memory, and the
    port: a line each. The exit code is 0 when nothing failed, else 1.

    The question is a real request to the API, which is charged like any other (some 20 tokens); --no-turn leaves it
    out. With --demo nothing is asked of anybody.

    \b
    Examples:
      ccproxy-trio doctor
      ccproxy-trio doctor --no-turn --json
      ccproxy-trio doctor --demo --port 9000
    """
    from ccproxy_trio.doctor import examine

    findings: list[Finding] = []

    def report(finding: Finding) -> None:
        findings.append(finding)
        if not as_json:
            _print(finding)

    def announce(text: str) -> None:
        click.echo(f"         {'turn':14}  {text}", err=as_json)

    examine(sources.load, os.environ, turn=turn, report=report, announce=announce)
    failed = sum(finding.state == "failed" for finding in findings)
    if as_json:
        document = {"ok": not failed, "findings": [finding.as_json for finding in findings]}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    elif failed:
        click.echo(f"\n{failed} of {len(findings)} checks failed.")
    else:
        click.echo("\nNothing failed.")
    sys.exit(1 if failed else 0)


def _print(finding: Finding) -> None:
    word, colour = _STATES[finding.state]
    click.echo(f"{click.style(f'{word:7}', fg=colour)}  {finding.check:14}  {_line(finding.text)}")
    if finding.remedy:
        click.echo(f"{'':25}{_line(finding.remedy)}")


def _line(text: str) -> str:
    """On one line, and without what would steer the terminal: upstream and the CLI may have had a say in it."""
    return "".join(character if character.isprintable() else " " for character in text)


doctor = SettingsCommand(
    "doctor",
    _doctor,
    params=[
        click.Option(
            ["--turn/--no-turn"],
            default=True,
            help="Ask a short question of the API, which costs.  [default: turn]",
        ),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
    ],
    short_help="Look whether a server would work here.",
    shown=("claude.demo", "claude.cli_path", "claude.auth", "server.host", "server.port"),
)
