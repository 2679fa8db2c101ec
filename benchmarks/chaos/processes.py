"""A process and its children, as the kernel tells of them; signals go to nobody else."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path


def children_of(pid: int) -> list[int]:
    """Those that live, and those that nobody has reaped."""
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def shoot(child: int, parent: int, number: signal.Signals) -> bool:
    """Signal a child of `parent`; False if there is none of this number any more."""
    try:
        descriptor = os.pidfd_open(child)
    except OSError:
        return False
    try:
        # What the descriptor names cannot change any more, so this is its parent or it is gone.
        if parent_of(child) != parent:
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


def parent_of(pid: int) -> int | None:
    """None if it is gone."""
    with suppress(OSError):
        return int(_after_name(pid)[1])
    return None


def state_of(pid: int) -> str:
    """A letter, as `ps` has it: T is stopped, Z is dead and not reaped; nothing if it is gone."""
    with suppress(OSError):
        return _after_name(pid)[0]
    return ""


def count_descriptors(pid: int) -> int:
    """How many file descriptors it has."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def memory_of(pid: int) -> int:
    """The bytes of memory that it has in use."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) * 1024


def working_under(folder: Path) -> set[int]:
    """The processes whose working directory is in a folder."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with suppress(OSError):
                if (entry / "cwd").readlink().is_relative_to(folder):
                    found.add(int(entry.name))
    return found


def _after_name(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
