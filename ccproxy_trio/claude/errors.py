"""What can go wrong with a Claude CLI, from finding it to the end of a turn.

`CliUnusable` stops a start; `InstanceError` ends one child process; `TurnFailed` is an answer: the upstream
API refused or broke off this request, and the instance lives on, as it does after `OutOfTime`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from ccproxy_trio.dialects.failures import Failure


class ClaudeError(Exception):
    """The root of this package's errors."""


class CliUnusable(ClaudeError):
    """No server can start with this CLI: it is missing, not executable or too old. The text says which."""

    def __init__(self, problem: str, path: Path | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.path = path


class InstanceError(ClaudeError):
    """This child process cannot be used any more. The text is fit for logs: it quotes nothing of a conversation.

    `private` are the child's own words, which may do so; only who had the conversation may be told.
    """

    def __init__(self, problem: str, private: str = "") -> None:
        super().__init__(problem)
        self.told_to_its_client = f"{problem}: {private}" if private else problem


class InstanceDied(InstanceError):
    """The child process ended by itself.

    `returncode` follows subprocess: negative for a signal, None when it closed its output but did not exit.
    `stderr` is the end of what it wrote there, and `private` when there was a conversation.
    """

    def __init__(self, returncode: int | None, stderr: str, *, private: bool = False) -> None:
        how = "closed its output" if returncode is None else f"exited with status {returncode}"
        said = f": {stderr}" if stderr and not private else ""
        super().__init__(f"the claude process {how}{said}", stderr if private else "")
        self.returncode = returncode
        self.stderr = stderr


class InstanceSilent(InstanceError):
    """The child process said nothing for `seconds` while `waiting_for` was due."""

    def __init__(self, waiting_for: str, seconds: float) -> None:
        super().__init__(f"the claude process gave no {waiting_for} within {seconds:g} s")
        self.waiting_for = waiting_for
        self.seconds = seconds


class InstanceNonsense(InstanceError):
    """The child process broke the protocol. The text says how, without quoting any conversation."""


class NotRewound(InstanceError):
    """The conversation could not be shown to be gone, so the process must not serve another one."""


class OutOfTime(ClaudeError):
    """The deadline that a request came with has passed; `meanwhile` says what was under way."""

    def __init__(self, meanwhile: str) -> None:
        super().__init__(f"its time ran out while {meanwhile}")
        self.meanwhile = meanwhile


class TurnFailed(ClaudeError):
    """The turn ended without an answer for a reason that belongs to the request or to the upstream API."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure
