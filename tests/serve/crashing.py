"""The server, with a pool of which a task crashes as soon as there is a file `crash` in the working directory.

`python -m tests.serve.crashing serve` or `hypercorn -k trio tests.serve.crashing:app`.
"""

from __future__ import annotations

from pathlib import Path

import trio

from ccproxy_trio.asgi import app as app
from ccproxy_trio.cli import main
from ccproxy_trio.pool import _pool


async def crash_when_told(_: object) -> None:
    """In the place of the task that closes what is idle."""
    while not Path("crash").exists():  # noqa: ASYNC110, ASYNC240 -- a test has no other way in
        await trio.sleep(0.01)
    raise RuntimeError("a task of the pool has crashed")


_pool.sweep_when_due = crash_when_told  # type: ignore[assignment] # it takes any pool

if __name__ == "__main__":
    main()
