"""500 raw requests of every kind: the server answers the next good one, and keeps nothing of them."""

import logging
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ccproxy_trio.server.transport import tcp_server
from tests.raw_http import PATIENCE, open_server
from tests.server.proxy import eventually

from .fuzzing import fuzz
from .small_app import create_small_app, put_in_place

PATHS = ["/", "/length", "/deaf", "/flood", "/nowhere"]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_500_raw_requests(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    put_in_place(monkeypatch, repaired=True, write_timeout=1.0)
    app = create_small_app()
    app.config["BODY_TIMEOUT"] = 1
    async with open_server(app, keep_alive_timeout=0.2) as server:
        await fuzz(server.port, 1, 0)
        await eventually(lambda: not tcp_server.RepairedTCPServer.rules.crowd._served)
        await wait_all_tasks_blocked()
        tasks, files = trio.lowlevel.current_statistics().tasks_living, open_files()

        await fuzz(server.port, 500, seed=3, paths=PATHS)

        with trio.move_on_after(PATIENCE):
            while trio.lowlevel.current_statistics().tasks_living > tasks or open_files() > files:  # noqa: ASYNC110  # no event tells
                await trio.sleep(0.05)
        assert (trio.lowlevel.current_statistics().tasks_living, open_files()) == (tasks, files)
        assert not server.stopped.is_set()
    assert server.failure is None
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
