"""One page of a server, as JSON; and every way in which there is none."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_TIMEOUT = 5.0
_LARGEST = 2**20


class NoAnswer(Exception):
    """There is nothing to show. The text says why; the classes, whether it may get better by itself."""


class Unreachable(NoAnswer):
    """No server answers there, now."""


class NotOurs(NoAnswer):
    """What answers there is no such server, or one that is not well."""


class Refused(NoAnswer):
    """The server does not tell this to whoever has no valid key."""


@frozen
class Place:
    """Where a server is, and the key for it."""

    scheme: str
    host: str
    port: int | None
    path: str
    """What stands before each page's path; empty, or without a slash at its end."""
    _key: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str, key: str | None = None) -> Place:
        """Raises ValueError, in words for whoever wrote the URL. No word of it is about the key's text."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("the URL of a server begins with http:// or https://, and then names a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("the URL of a server has neither a user, nor a query, nor a fragment")
        if not re.fullmatch(r"[\x21-\x7e]*", url):
            raise ValueError("the URL of a server has no spaces, and letters of ASCII only")
        if key is not None and not re.fullmatch(r"[\x21-\x7e]+", key):
            raise ValueError("the key must be of ASCII letters, digits and signs, without a space")
        return cls(parts.scheme, parts.hostname, parts.port, parts.path.rstrip("/"), key)

    def __str__(self) -> str:
        """The URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port is None else f':{self.port}'}{self.path}"

    @property
    def headers(self) -> dict[str, str]:
        """What each request bears."""
        return {"accept": "application/json", **({} if self._key is None else {"x-api-key": self._key})}


def fetch(place: Place, page: str, *, timeout: float = _TIMEOUT) -> dict[str, Any]:
    """GET a page. Raises NoAnswer. To connect takes `timeout` seconds at most, and so does the rest."""
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connection = kind(place.host, place.port, timeout=timeout)
    try:
        connection.connect()
        with _cut_after(timeout, connection.sock):
            connection.request("GET", place.path + page, headers=place.headers)
            with connection.getresponse() as response:
                body = response.read(_LARGEST)
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise Unreachable(f"{place} does not answer: {_reason(error, timeout)}") from error
    finally:
        connection.close()
    if response.status in {401, 403}:
        raise Refused(f"{place} answers {response.status}: {_told(body)}")
    try:
        value = json.loads(body) if response.status == 200 else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise NotOurs(f"{place}{page} answers {response.status}, and not as ccproxy-trio does")
    return value


@contextmanager
def _cut_after(seconds: float, connected: socket.socket) -> Iterator[None]:
    """Raise TimeoutError when the block takes longer: a timeout of the socket's begins anew with each byte."""
    late = threading.Event()

    def cut() -> None:
        late.set()
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        if late.is_set():
            raise TimeoutError from error
        raise
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError


def _reason(error: Exception, timeout: float) -> str:
    match error:
        case TimeoutError():
            return f"no whole answer came within {timeout:g} s"
        case ssl.SSLError():
            return f"no TLS connection can be made ({error.reason or error})"
        case OSError(errno=int(number), strerror=str(text)):
            return os.strerror(number) if number > 0 else text  # the resolver has numbers of its own
        case http.client.HTTPException():
            return "what answers does not speak HTTP as it should"
        case _:
            return str(error)


def _told(body: bytes) -> str:
    """The message of an error, in the server's shape."""
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, RecursionError, LookupError, TypeError):
        return "it does not say why"
    return printable(message)[:200]


def printable(text: str) -> str:
    """The text without what would steer a terminal."""
    return "".join(character if character.isprintable() else " " for character in text)
