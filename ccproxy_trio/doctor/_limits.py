"""What the system lets a server have, against the most instances that the settings allow.

Memory is reckoned by what one instance takes here, where one was started; those of one binary share its file, so
that ten of them need less than ten times as much.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ccproxy_trio.doctor._finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ccproxy_trio.settings import Settings

USUAL_MEMORY = 200 * 2**20
"""What an instance of the CLI takes after a short conversation, in bytes."""


def check_files(settings: Settings, hard_limit: int | None) -> Finding:
    """Whether the server may open as many files as its instances and connections need; None is no limit."""
    from ccproxy_trio.server.transport.descriptors import OF_AN_INSTANCE, OWN

    instances, connections = settings.pool_settings.max_size, settings.server.max_connections
    others = OWN + OF_AN_INSTANCE * instances
    needed = others + connections
    details = {"limit": hard_limit, "needed": needed}
    if hard_limit is None or hard_limit >= needed:
        may = "any number of" if hard_limit is None else str(hard_limit)
        return Finding("files", "ok", f"{may} may be open, {needed} are needed at most", details=details)
    remedy = f"Raise the hard limit to {needed} (ulimit -Hn; in a systemd unit LimitNOFILE={needed})"
    if hard_limit < others + instances:
        text = f"{hard_limit} may be open, too few for pool_settings.max_size, which is {instances}"
        return Finding("files", "failed", text, remedy, details=details)
    text = (
        f"{hard_limit} may be open, which leaves {hard_limit - others} connections "
        f"of the {connections} that server.max_connections allows"
    )
    return Finding("files", "warning", text, remedy, details=details)


def check_memory(settings: Settings, available: int | None, of_an_instance: int | None) -> Finding:
    """Whether there is memory for as many instances as there may be. All in bytes; None is not known."""
    instances = settings.pool_settings.max_size
    each = of_an_instance or USUAL_MEMORY
    details = {"available": available, "of_an_instance": each, "measured": of_an_instance is not None}
    if available is None:
        return Finding("memory", "skipped", "the system does not tell how much is free", details=details)
    how = "as measured" if of_an_instance is not None else "as is usual"
    text = (
        f"{_shown(available)} are free; {instances} instances of {_shown(each)} each, {how}, "
        f"take {_shown(instances * each)}"
    )
    if available >= instances * each:
        return Finding("memory", "ok", text, details=details)
    fitting = available // each
    remedy = f"Lower pool_settings.max_size to {fitting}, or free memory" if fitting else "Free memory"
    return Finding("memory", "failed", text, remedy, details=details)


def read_hard_limit() -> int | None:
    """How many files a process may open at most, when it asks for it; None is no limit."""
    import resource

    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return None if limit == resource.RLIM_INFINITY else limit


def read_available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that the machine has free, or that the control groups of this process leave it, whichever is less."""
    return min(_free(root), default=None)


def read_memory(pid: int, root: Path = Path("/")) -> int | None:
    """Bytes that a process has in memory."""
    return next(_kilobytes(root / f"proc/{pid}/status", "VmRSS"), None)


def _free(root: Path) -> Iterator[int]:
    yield from _kilobytes(root / "proc/meminfo", "MemAvailable")
    with suppress(OSError, ValueError):
        groups = (root / "proc/self/cgroup").read_text().splitlines()
        path = next((line.removeprefix("0::/") for line in groups if line.startswith("0::/")), None)
        if path is None:
            return  # only the second version of control groups has such a line
        top = root / "sys/fs/cgroup"
        folder = top / path
        # A limit of a group above counts, too. Inside a container the path may lead outside of what is seen.
        for group in (folder, *folder.parents):
            if group.is_relative_to(top):
                yield from _left(group)


def _left(group: Path) -> Iterator[int]:
    with suppress(OSError, ValueError):
        limit = int((group / "memory.max").read_text())  # "max" is no number
        used = int((group / "memory.current").read_text())
        stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        # What the kernel keeps of files at hand, it gives up when memory is wanted.
        yield max(0, limit - used + int(stat.get("inactive_file", 0)))


def _kilobytes(file: Path, name: str) -> Iterator[int]:
    with suppress(OSError, ValueError, IndexError):
        for line in file.read_text().splitlines():
            if line.startswith(f"{name}:"):
                yield int(line.split()[1]) * 1024


def _shown(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
