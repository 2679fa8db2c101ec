"""A child that lies about its rewinds: the stand-in behind a program that changes what it says of them.

A prompt asks for it, by `[[twist=NAME]]`, so that it has passed for one that rewinds until then. At `[[quote]]` it
writes the prompt to stderr and dies.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ccproxy_trio.claude.demo import command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.proxy import Backend

TWISTS = {
    "refused": "answer['response'] = {'rewound': False, 'reason': 'stale_target'}",
    "failed": "answer.update(subtype='error', error='no such thing')",
    "refused_in_words": "answer['response'] = {'rewound': False, 'reason': said}",
    "failed_in_words": "answer.update(subtype='error', error=said)",
    "empty": "answer['response'] = {}",
    "vague": "answer['response'] = {'rewound': 'true'}",
    "unanswered": "lines.clear()",
    "of_another_id": "answer['request_id'] = 'another'",
    "before_the_result": "lines.extend(held); held.clear()",
    "without_the_result": "held.clear()",
}
"""What becomes of the answer to a rewind, in a program's words."""

_PROGRAM = """#!{python}
import json, os, subprocess, sys, threading, time

if "--version" in sys.argv:
    os.execv({command[0]!r}, [*{command!r}, "--version"])
child = subprocess.Popen([*{command!r}, *sys.argv[1:]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
twists, twist, said, held = {twists!r}, "", "", []

def feed():
    global twist, said
    for line in sys.stdin.buffer:
        if b"[[twist=" in line:
            twist = line.partition(b"[[twist=")[2].partition(b"]]")[0].partition(b";")[0].decode()
            said = line[max(0, line.find(b"canary")) :][:100].decode()
        child.stdin.write(line)
        child.stdin.flush()
        if b"[[quote" in line:
            time.sleep(0.2)
            sys.stderr.buffer.write(line)
            sys.stderr.flush()
            child.kill()
    child.stdin.close()

threading.Thread(target=feed, daemon=True).start()
for line in child.stdout:
    frame, lines = json.loads(line), []
    answer = frame.get("response", {{}})
    lines.append(frame)
    if twist.endswith("the_result") and frame["type"] == "result":
        held.append(lines.pop())
    if twist and "rewound" in answer.get("response", {{}}):
        exec(twists[twist])
    sys.stdout.write("".join(json.dumps(each) + "\\n" for each in lines))
    sys.stdout.flush()
os._exit(70 if child.wait() < 0 else child.wait())
"""


def twisted_cli(folder: Path, backend: Backend) -> Backend:
    """The same backend with such a child in the place of the CLI."""
    path = folder / "claude"
    path.write_text(_PROGRAM.format(python=sys.executable, command=command(), twists=TWISTS))
    path.chmod(0o755)
    return type(backend)(backend.environ, str(path))
