"""Which processes a process has started, as the kernel tells it: thread by thread, while threads come and go."""

from __future__ import annotations

from pathlib import Path


def children_of(pid: int) -> set[int]:
    """Those that live, and those that nobody has reaped; none of a process that is gone.

    A thread that ends leaves its children to another of its process, whose list may have been read already: the
    whole is read again then.
    """
    threads = Path(f"/proc/{pid}/task")
    while threads.exists():
        try:
            lists = [(thread / "children").read_text() for thread in threads.iterdir()]
        except (FileNotFoundError, ProcessLookupError):
            continue
        return {int(child) for text in lists for child in text.split()}
    return set()
