"""The environment variables by which clients are led to the server, in the syntax of a shell. Pure.

Claude Code takes its key as a token: an API key in its environment is one that it asks about. The Anthropic client
takes either, and both where both are set, and so does the server. What Claude Code puts before its system prompt is
switched off, as the server cannot carry it.
"""

from __future__ import annotations

import re
import shlex
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NO_KEY = "unused"
"""What stands for a key where the server wants none; clients do not start without."""
YOUR_KEY = "YOUR_KEY"
"""What stands for a key that is not known here."""


class Unusable(ValueError):
    """What was given cannot be a key, or a server's URL: no client could use it. The text does not quote it."""


@frozen
class Client:
    """A client: its name for people, and its variables with templates of their values."""

    title: str
    variables: Mapping[str, str]


CLIENTS: Mapping[str, Client] = MappingProxyType(
    {
        "claude-code": Client(
            "Claude Code",
            {
                "ANTHROPIC_BASE_URL": "{url}",
                "ANTHROPIC_AUTH_TOKEN": "{key}",
                "CLAUDE_CODE_ATTRIBUTION_HEADER": "0",
            },
        ),
        "anthropic": Client(
            "Anthropic's clients", {"ANTHROPIC_BASE_URL": "{url}", "ANTHROPIC_API_KEY": "{key}"}
        ),
        "openai": Client("OpenAI's clients", {"OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_KEY": "{key}"}),
        "aider": Client(
            "aider",
            {"OPENAI_API_BASE": "{url}/v1", "OPENAI_API_KEY": "{key}", "AIDER_MODEL": "openai/{model}"},
        ),
        "langchain": Client(
            "LangChain: ChatAnthropic and ChatOpenAI",
            {
                "ANTHROPIC_API_URL": "{url}",
                "ANTHROPIC_API_KEY": "{key}",
                "OPENAI_API_BASE": "{url}/v1",
                "OPENAI_API_KEY": "{key}",
            },
        ),
    }
)
"""The clients by the names that a command line gives them."""


def _in_sh(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _in_fish(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"set -gx {name} '{escaped}'"


def _in_powershell(name: str, value: str) -> str:
    # Typographic quotation marks end a text there, too, and are doubled like the plain one.
    doubled = re.sub(r"(['\u2018\u2019\u201a\u201b])", r"\1\1", value)
    return f"$env:{name} = '{doubled}'"


SHELLS: Mapping[str, Callable[[str, str], str]] = MappingProxyType(
    {"sh": _in_sh, "fish": _in_fish, "powershell": _in_powershell}
)
"""How each shell sets a variable for its children."""


def write_environment(
    clients: Sequence[str], shell: str, *, url: str, model: str, key: str | None, has_keys: bool
) -> str:
    """The lines for `shell` that set the variables of `clients`, each with a comment. Raises Unusable.

    Without `key` a placeholder is written; `has_keys` says whether the server wants a real one.
    """
    if not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        raise Unusable("the URL of a server begins with http:// or https://, and has no spaces")
    if key is not None and not re.fullmatch(r"[\x21-\x7e]+", key):
        raise Unusable("the key must be of ASCII letters, digits and signs, without a space")
    values = {"url": url, "model": model, "key": key or (YOUR_KEY if has_keys else NO_KEY)}
    lines = []
    if key is None and has_keys:
        lines.append(f"# put your key in the place of {YOUR_KEY}")
    for name in clients:
        client = CLIENTS[name]
        lines.append(f"# {client.title}")
        lines += [SHELLS[shell](each, value.format_map(values)) for each, value in client.variables.items()]
    return "\n".join(lines)
