"""The stand-in behind a server inside the test."""

from tests.server.conftest import demo as demo
from tests.server.conftest import scratch as scratch
