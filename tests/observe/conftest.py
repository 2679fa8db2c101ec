"""The backends of the server's tests."""

from tests.server.conftest import backend as backend
from tests.server.conftest import claude_binary as claude_binary
from tests.server.conftest import cli as cli
from tests.server.conftest import demo as demo
from tests.server.conftest import scratch as scratch
