"""The stand-in CLI: a child process that speaks the CLI's protocol over stdio, frame for frame, and echoes.

It takes the place of the binary for demonstrations, tests and benchmarks, which then need neither a login nor
a network. Only the backend differs: it is started, fed, rewound and ended like the CLI. It imports nothing but
the standard library, so that it starts in a few hundredths of a second. What is answered is in `answer`, failures
of the child in `faults`, the frames of a turn in `turn`, what goes upstream in `conversation`, the protocol
around them in `session`, pipes and signals in `__main__`. It differs from the CLI in what no one relies on: most of
what frames tell beside the answer, costs, the drawing in `get_context_usage`, and what the CLI makes of content that
the API itself would refuse (calls without results and the like), which goes on as it came.
"""

import sys
from pathlib import Path


def command() -> tuple[str, ...]:
    """The head of the stand-in's command line; the CLI's own flags follow it."""
    return sys.executable, "-I", str(Path(__file__).with_name("__main__.py"))
