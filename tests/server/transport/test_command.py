"""The repairs under hypercorn's own command, where only the application's module is ours."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from tests.raw_http import PATIENCE, exchange, open_connection

from .small_app import get
from .test_stock_and_repaired import UPGRADE

MODULE = """
from quart_trio import QuartTrio
from ccproxy_trio.server.transport import RepairedHTTPConnection, repair_hypercorn
{repair}
app = QuartTrio("commanded", static_folder=None)
app.asgi_http_class = RepairedHTTPConnection

@app.get("/")
async def root():
    return "served"

@app.get("/flood")
async def flood():
    return b"x" * 2**26
"""


@contextmanager
def run_hypercorn(folder: Path, repair: str) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    (folder / "commanded.py").write_text(MODULE.format(repair=repair))
    command = [
        sys.executable,
        "-m",
        "hypercorn",
        "-k",
        "trio",
        "-b",
        "127.0.0.1:0",
        "--graceful-timeout",
        "0",
        "--keep-alive",
        "1",
    ]
    with subprocess.Popen(
        [*command, "commanded:app"], cwd=folder, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "Running on http://127.0.0.1:" in line)
            yield process, int(line.partition("127.0.0.1:")[2].split()[0])
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


async def test_repaired(tmp_path: Path) -> None:
    with run_hypercorn(tmp_path, "repair_hypercorn(write_timeout=30)") as (process, port):
        assert (await exchange(port, UPGRADE + b"x")).startswith(b"HTTP/1.1 501 ")
        assert (await exchange(port, get("/", "Connection: close"))).endswith(b"served")
        for _ in range(20):
            pipelined = await exchange(port, get("/", version="1.0") + get("/"))
            assert pipelined.count(b"HTTP/1.1 200 ") == 1
            assert pipelined.endswith(b"served")
        # Closed by the server, for it has been idle for as long as it may.
        assert (await exchange(port, get("/"))).endswith(b"served")
        async with open_connection(port) as stuck:
            await stuck.send(get("/flood"))
            await stuck.read_answer(to_head=True)
            process.send_signal(signal.SIGTERM)
            await trio.to_thread.run_sync(process.wait, PATIENCE)


async def test_stock(tmp_path: Path) -> None:
    with run_hypercorn(tmp_path, "") as (process, port):
        await exchange(port, UPGRADE + b"x")
        # The worker has died, and the command ends.
        await trio.to_thread.run_sync(process.wait, PATIENCE)
        with pytest.raises(OSError, match="refused"):
            await exchange(port, get("/", "Connection: close"))
