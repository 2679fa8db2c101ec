"""The page: one document made of the files beside this one, which asks for nothing but the events.

Its script and its style are in it, and the browser is told their hashes: it runs nothing else, loads nothing from
anywhere, sends no form, and shows the page in nobody's frame. There is no secret in it, so that it can be loaded
without a key; whoever has one types it in.
"""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from attrs import frozen
from quart import request

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/dashboard"
_LONGEST = 1000
"""Characters of a browser's `Accept`. One of 60 kB takes half a second to read, and needs no key."""

_STYLE = re.compile(r'<link rel="stylesheet" href="([a-z]+\.css)">')
_SCRIPT = re.compile(r'<script src="([a-z]+\.js)"></script>')


@frozen
class Page:
    """A document, and what goes out in its head."""

    body: bytes
    headers: Mapping[str, str]


def wants_page() -> bool:
    """Whether the request under way asks for the page, which is for everybody to see: as a browser does."""
    if request.path != "/":
        return request.path == PATH
    if len(request.headers.get("accept", "")) > _LONGEST:
        return False
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


@cache
def build_page() -> Page:
    """Put it together, once."""
    folder = files(__package__) / "page"
    hashes: dict[str, list[str]] = {"style": [], "script": []}

    def put(kind: str, name: str) -> str:
        text = (folder / name).read_text(encoding="utf-8")
        hashes[kind].append(f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'")
        return f"<{kind}>{text}</{kind}>"

    document = (folder / "index.html").read_text(encoding="utf-8")
    document = _STYLE.sub(lambda found: put("style", found[1]), document)
    document = _SCRIPT.sub(lambda found: put("script", found[1]), document)
    policy = (
        "default-src 'none'",
        f"script-src {' '.join(hashes['script'])}",
        f"style-src {' '.join(hashes['style'])}",
        "connect-src 'self'",
        "img-src data:",  # its icon
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        # Text becomes no markup, whatever a script does with it.
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    headers = {
        "content-security-policy": "; ".join(policy),
        "cache-control": "no-cache",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "referrer-policy": "no-referrer",
        "vary": "accept",
        "x-content-type-options": "nosniff",
    }
    return Page(document.encode(), headers)
