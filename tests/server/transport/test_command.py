"""The repairs under hypercorn's own command, where only the application's module is ours."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.raw_http import exchange

from .small_app import get
from .test_stock_and_repaired import UPGRADE, send_and_wait

MODULE = """
from quart_trio import QuartTrio
from ccproxy_trio.server.transport import RepairedHTTPConnection, repair_hypercorn
{repair}
app = QuartTrio("commanded", static_folder=None)
app.asgi_http_class = RepairedHTTPConnection

@app.get("/")
async def root():
    return "served"
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
        assert process.poll() is None


async def test_stock(tmp_path: Path) -> None:
    with run_hypercorn(tmp_path, "") as (_, port):
        await send_and_wait(port, UPGRADE + b"x")
        # The worker died and the command ends, or starts another that has to import everything first.
        with pytest.raises((OSError, AssertionError)):
            assert (await exchange(port, get("/", "Connection: close"))).endswith(b"served")
