"""Canaries: a word of each request's own, which is to be found nowhere but where that request went.

It is letters and digits, twelve of them, so that it can be in a name, in a header, and in base64 as it is.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from tests.child_processes import children_of

_CANARY = re.compile(rb"canary\d{6}")


def canary(number: int) -> str:
    """The one of the request with this number."""
    return f"canary{number:06}"


def number_of(word: str) -> int:
    """The number of the request whose canary it is."""
    return int(word.removeprefix("canary"))


def find_canaries(text: bytes | str) -> set[str]:
    """Those in a text."""
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    return {found.decode() for found in _CANARY.findall(data)}


def find_in_files(folder: Path) -> dict[str, set[str]]:
    """The files below a folder with a canary in them, or in their names, and which.

    A file that is given another name may get one where it was looked for already: the whole is read again then.
    """
    while True:
        with suppress(FileNotFoundError):
            return _look_through(folder)


def _look_through(folder: Path) -> dict[str, set[str]]:
    found = {}
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if here := find_canaries(os.fsencode(path.name)) | find_canaries(content):
            found[str(path)] = here
    return found


def find_in_processes() -> dict[str, set[str]]:
    """The same for this process's descendants: their titles and command lines; and their environments.

    What the CLI starts itself, a short `git` now and then, inherits the CLI's variables of the moment, and does not
    count there.
    """
    found = {}
    ours = children_of(os.getpid())
    for pid in _descendants(os.getpid()):
        for name in ("cmdline", "comm", "environ") if pid in ours else ("cmdline", "comm"):
            try:
                text = Path(f"/proc/{pid}/{name}").read_bytes()
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            if here := find_canaries(text):
                found[f"{pid} {name}: {text[:2000]!r}"] = here
    return found


def _descendants(pid: int) -> list[int]:
    return [each for child in children_of(pid) for each in (child, *_descendants(child))]
