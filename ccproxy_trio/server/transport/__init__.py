"""hypercorn and Quart-Trio, repaired: one peer cannot hurt the others, and every request ends in order.

Why each repair is needed, and when it can go, is in docs/decisions/hypercorn-repairs.md.
"""

from .config import hypercorn_config as hypercorn_config
from .descriptors import ensure_descriptors as ensure_descriptors
from .http1 import TOO_MANY as TOO_MANY
from .http_connection import RepairedHTTPConnection as RepairedHTTPConnection
from .http_connection import call_at as call_at
from .http_connection import request_stack as request_stack
from .http_connection import was_sent as was_sent
from .onlookers import look_on as look_on
from .streaming import stream_response as stream_response
from .tcp_server import repair_hypercorn as repair_hypercorn
from .wordless import without_words as without_words
