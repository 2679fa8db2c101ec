"""GET /v1/models and /v1/models/{id}, as upstream answers them: newest first, by pages with cursors."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from ccproxy_trio.claude.demo.models import upstream_models

_USUAL_LIMIT = 20
_HIGHEST_LIMIT = 1000


def find_models(path: str) -> Any:
    """The body of the answer to `path`; None when there is no such model, a text when the query makes no sense."""
    where = urlsplit(path)
    known = list(upstream_models())
    ids = [model["id"] for model in known]
    wanted = unquote(where.path.removeprefix("/v1/models").lstrip("/"))
    if wanted:
        return known[ids.index(wanted)] if wanted in ids else None
    query = {name: values[-1] for name, values in parse_qs(where.query).items()}
    limit = query.get("limit", str(_USUAL_LIMIT))
    if not limit.isdecimal() or not 1 <= int(limit) <= _HIGHEST_LIMIT:
        return f"limit: Input should be between 1 and {_HIGHEST_LIMIT}"
    for cursor in ("after_id", "before_id"):
        if query.get(cursor, ids[0]) not in ids:
            return f"{cursor}: no such model: {query[cursor]}"
    start = ids.index(query["after_id"]) + 1 if "after_id" in query else 0
    end = ids.index(query["before_id"]) if "before_id" in query else len(ids)
    within = known[start:end]
    # Backwards from a cursor the page is the one next to it.
    backwards = "before_id" in query and "after_id" not in query
    page = within[-int(limit) :] if backwards else within[: int(limit)]
    ends = (
        {"first_id": page[0]["id"], "last_id": page[-1]["id"]}
        if page
        else dict.fromkeys(("first_id", "last_id"))
    )
    return {"data": page, "has_more": len(page) < len(within), **ends}
