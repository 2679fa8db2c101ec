"""`python -m tests.fake_api --port 0`: print the URL, then serve until a signal comes."""

from __future__ import annotations

import argparse
import sys

import trio

from tests.fake_api import open_fake_api


async def serve(port: int) -> None:
    async with open_fake_api(port) as api:
        sys.stdout.write(f"{api.url}\n")
        sys.stdout.flush()
        await trio.sleep_forever()


parser = argparse.ArgumentParser(prog="python -m tests.fake_api", description=__doc__)
parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 takes any free one (default)")
try:
    trio.run(serve, parser.parse_args().port)
except* KeyboardInterrupt:
    pass  # the usual end
