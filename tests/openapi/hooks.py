"""Checks of our own, which schemathesis loads into its process, and a choice among the many cases it knows.

Beside it being true that what the document excludes is refused by the server, it must be true that what it includes
is not refused for its shape: for a meaning alone, of which a schema knows nothing. And the status of an answer must
have a row of its own in the document, and not merely be in a range of such as upstream may have.
"""

from __future__ import annotations

import os
import re
from itertools import count

import schemathesis

# An integer written as 1.0 is one to JSON Schema, and none to the API.
_SHAPES = re.compile(
    r"Extra inputs|Field required|Input should be (?!a valid integer)|Input tag|Unknown parameter"
    r"|Unrecognized request|not support this|should have at|should match pattern|must be a JSON object"
)
_STRIDE = int(os.environ.get("STRIDE", "1"))
_seen = count()


@schemathesis.check
def refused_for_its_meaning_alone(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """A body that the document includes is not refused for its shape."""
    if case.method != "POST" or response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    message = response.json()["error"]["message"]
    assert not _SHAPES.search(message), f"the document includes what is refused: {message}"


@schemathesis.check
def status_has_a_row(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """The stand-in answers with no status that the document does not name; 405 is about methods not in it."""
    assert response.status_code == 405 or str(response.status_code) in case.operation.responses.status_codes


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Of the cases that are made one after the other from each part of a schema, every so many-th."""
    systematic = case.meta.phase.name == "coverage" and case.method == "POST"
    return not systematic or next(_seen) % _STRIDE == 0
