"""An Anthropic API on loopback that echoes, for tests and benchmarks that drive the real CLI.

In a test: `async with open_fake_api() as api:`, then `api.url` and `api.requests`. From outside, as a process
of its own: `python -m tests.fake_api --port 0`, which prints its URL on the first line. What it answers, and how
a prompt asks for failures and delays, is said in `ccproxy_trio.claude.demo.answer`: the stand-in CLI gives the
same answers.
"""

from tests.fake_api._server import FakeApi as FakeApi
from tests.fake_api._server import RecordedRequest as RecordedRequest
from tests.fake_api._server import open_fake_api as open_fake_api
