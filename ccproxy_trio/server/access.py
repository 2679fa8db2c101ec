"""Who may call: what stands between every request and its endpoint.

Rules, in this order; the first that fails is told:

* Without any key, a request comes from this machine, unless the operator allows anyone.
* Without any key, or where names are listed, its Host is this machine's or listed.
* An Origin in it is one of those listed. Then the answer may be read by pages of that origin, and a preflight is
  answered right here.
* If there are keys, it bears a valid one, by `x-api-key` or as a bearer; but for the pages that tell no more than
  whether the server is well, and which take note of a valid one, and for the dashboard's, which has nothing in it.
* A call to an API keeps within its key's limits.

Whoever is not let in, or has no key where there are keys, is an onlooker: however slowly it takes its answers, it
takes nobody's place.

`g.caller` says whose key it is and what it may use, and has nothing of the key.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio
from quart import Response, g, request

from ccproxy_trio.dialects.failures import Failure

from .dashboard.page import PATH as DASHBOARD
from .dashboard.page import wants_page
from .errors import speaks_openai
from .failures import Refused
from .hosts import is_loopback, is_own_host
from .keys import Keyring
from .limits import Limits
from .permission import Caller
from .transport import look_on, request_stack

if TYPE_CHECKING:
    from ccproxy_trio.settings import ServerSettings

log = logging.getLogger("ccproxy_trio.server")

OPEN_PATHS = frozenset({"/health", "/healthz", "/readyz", DASHBOARD})
"""What is answered without a key: whoever watches a server seldom has one, and a browser sends none for a page."""
_API_PATHS = ("/v1/", "/openai/")

_EXPOSED = "request-id, x-request-id, retry-after, server-timing, x-ccproxy-demo, x-ccproxy-ignored"
_PREFLIGHT_AGE = "600"


class Access:
    """The way in to the application."""

    def __init__(self, settings: ServerSettings, before: Access | None = None) -> None:
        self.settings = settings
        self._keyring = Keyring(settings.keys)
        self._limits: dict[str, Limits] = {}
        self._met_strangers = False
        for name, limits in () if before is None else before._limits.items():
            if (key := settings.keys.get(name)) is not None:
                limits.change(key.requests_per_minute, key.concurrency)
                self._limits[name] = limits

    async def admit(self) -> Response | None:
        """Let the request under way through, or answer a preflight. Raises Refused."""
        stranger = True
        try:
            preflight = self._let_in()
            stranger = g.caller is None and bool(self.settings.keys)
            return preflight
        finally:
            if stranger:
                look_on()

    def _let_in(self) -> Response | None:
        self._refuse_strangers()
        self._check_host()
        if (preflight := self._check_origin()) is not None:
            return preflight
        g.caller = self._identify()
        if g.caller is not None and request.path.startswith(_API_PATHS):
            self._count(g.caller.name)
        return None

    def still_knows(self, caller: Caller | None, before: Access) -> bool:
        """Whether a key that was let in `before` is valid now; for answers that last."""
        if caller is None:
            return not self.settings.keys
        key = self.settings.keys.get(caller.name)
        same = key is not None and key == before.settings.keys[caller.name]
        return same and not self._keyring.has_expired(caller.name)

    def mark(self, response: Response) -> None:
        """Add to an answer what HTTP wants beside a 401, and what the browser of an allowed page must know."""
        if self.settings.allowed_origins:
            response.headers.add("vary", "Origin")
            if (origin := request.headers.get("origin")) in self.settings.allowed_origins:
                response.headers["access-control-allow-origin"] = origin
                response.headers["access-control-expose-headers"] = _EXPOSED
        if response.status_code == 401:
            response.headers["www-authenticate"] = "Bearer"

    def _refuse_strangers(self) -> None:
        peer = request.scope.get("client")  # none: a Unix socket's, which the file's permissions guard
        if self.settings.keys or self.settings.allow_anyone or peer is None or is_loopback(peer[0]):
            return
        if not self._met_strangers:
            log.warning("refused a request from another machine: there is no key that it could bear")
            self._met_strangers = True
        raise Refused(
            Failure(403, "without keys (server.keys) this server answers programs of its own machine only")
        )

    def _check_host(self) -> None:
        names = self.settings.allowed_hosts
        if self.settings.keys and not names:
            return
        # HTTP/1.0 has none, of which Quart makes an empty one; browsers send neither.
        host = request.headers.get("host")
        if host and not is_own_host(host, {*names, self.settings.host.lower()}):
            raise Refused(
                Failure(403, "the request's Host is not this server's; server.allowed_hosts may list it")
            )

    def _check_origin(self) -> Response | None:
        origin = request.headers.get("origin")
        if origin is None:
            return None
        if origin not in self.settings.allowed_origins:
            raise Refused(
                Failure(403, "web pages of this Origin may not call; server.allowed_origins may list it")
            )
        method = request.headers.get("access-control-request-method")
        if request.method != "OPTIONS" or method is None:
            return None
        allowed = {
            "access-control-allow-methods": method,
            "access-control-allow-headers": request.headers.get("access-control-request-headers", ""),
            "access-control-max-age": _PREFLIGHT_AGE,
        }
        return Response("", 204, allowed)

    def _identify(self) -> Caller | None:
        if not self.settings.keys:
            return None
        try:
            return self._find_caller()
        except Refused:
            if request.path in OPEN_PATHS or wants_page():
                return None
            raise

    def _find_caller(self) -> Caller:
        openai = speaks_openai()
        said = _wrong_key(openai) if (keys := _given_keys()) else _no_key(openai)
        for key in keys:
            if (name := self._keyring.find(key)) is None:
                continue
            if not self._keyring.has_expired(name):
                return Caller(name, self.settings.keys[name].models)
            said = "this key has expired"
        raise Refused(Failure(401, said))

    def _count(self, name: str) -> None:
        now = trio.current_time()
        if (limits := self._limits.get(name)) is None:
            key = self.settings.keys[name]
            limits = self._limits[name] = Limits(key.requests_per_minute, key.concurrency, now)
        if (refusal := limits.begin(now)) is not None:
            said = f"this key may make no more than {refusal.what}"
            raise Refused(Failure(429, said, retry_after=refusal.retry_after))
        request_stack().callback(lambda: limits.end(now, trio.current_time()))


def _given_keys() -> list[str]:
    """What the request bears as keys; clients that have both ways to tell one may use both."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    return [key for key in (request.headers.get("x-api-key", "").strip(), bearer) if key]


def _wrong_key(openai: bool) -> str:
    return "Incorrect API key provided." if openai else "invalid x-api-key"


def _no_key(openai: bool) -> str:
    if openai:
        return "You didn't provide an API key. Provide one as a bearer: `Authorization: Bearer YOUR_KEY`."
    return "x-api-key header is required"
