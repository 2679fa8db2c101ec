"""Which file counts, and what stands in it.

A file that is named (`--config`, else CONFIG_FILE) must be there. Else the first of these that is there
counts, alone: `.ccproxy.toml` and `ccproxy.toml` in the working directory, the same two at the root of its
git repository, and `ccproxy/config.toml` in the user's configuration directory.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import tomli

from ccproxy_trio.settings._convert import parse_json
from ccproxy_trio.settings._errors import Problem
from ccproxy_trio.settings._sources import Findings, in_document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAMES = (".ccproxy.toml", "ccproxy.toml")


@attrs.frozen
class File:
    """The file that counts."""

    path: Path
    label: str
    """What messages call it: relative to the working directory where it lies below it."""
    named_by: str = ""
    """The flag or variable that named it; empty when it was found by searching."""


def find_file(config: Path | None, environ: Mapping[str, str], cwd: Path) -> File | None:
    """Find the file that counts. One that is named is returned whether it is there or not."""
    if config is not None:
        return _file(config, cwd, "flag --config")
    if named := environ.get("CONFIG_FILE"):
        return _file(Path(named), cwd, "environment variable CONFIG_FILE")
    return next((_file(path, cwd) for path in _places(environ, cwd) if _is_there(path)), None)


def read_file(file: File) -> Findings:
    """Go through the file: JSON if it is named so, else TOML."""
    where = f"{file.named_by}: {file.label}" if file.named_by else file.label
    parse, language = (parse_json, "JSON") if file.path.suffix == ".json" else (tomli.loads, "TOML")
    try:
        document = parse(file.path.read_bytes().decode())
    except OSError as error:
        yield Problem(where, f"cannot be read: {error.strerror}")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        yield Problem(where, f"line {line}: found the byte {error.object[error.start]:#04x}", "UTF-8 text")
    except (tomli.TOMLDecodeError, json.JSONDecodeError) as error:
        yield Problem(where, f"not {language}: line {error.lineno}, column {error.colno}: {error.msg}")
    except (ValueError, RecursionError) as error:  # depth, a number's digits, a name that stands twice
        yield Problem(where, f"not {language} that can be used: {error}")
    else:
        yield from in_document(document, file.label)


def _file(path: Path, cwd: Path, named_by: str = "") -> File:
    path = cwd / path
    return File(path, str(path.relative_to(cwd) if path.is_relative_to(cwd) else path), named_by)


def _places(environ: Mapping[str, str], cwd: Path) -> Iterator[Path]:
    root = next((folder for folder in (cwd, *cwd.parents) if _is_there(folder / ".git")), cwd)
    for folder in (cwd, root):
        for name in _NAMES:
            yield folder / name
    home = environ.get("XDG_CONFIG_HOME", "")
    # Its specification says that a relative path is invalid and to be ignored.
    if not Path(home).is_absolute() and (user := environ.get("HOME")):
        home = f"{user}/.config"
    if Path(home).is_absolute():
        yield Path(home) / "ccproxy" / "config.toml"


def _is_there(path: Path) -> bool:
    try:
        path.stat()
    except OSError:  # a folder that may not be entered holds nothing for us
        return False
    return True
