"""Looking at a running server from outside, by its own pages.

Everything here is synchronous, and of the standard library: there is one thing to do at a time, ask or wait, so a
task or thread would have nothing to do meanwhile; and `stats` is there at once, without the second that the server's
stack takes to import. Each answer is asked for over a connection of its own, which a restart in between cannot break.
"""

from ccproxy_trio.watch._fetch import NoAnswer as NoAnswer
from ccproxy_trio.watch._fetch import NotOurs as NotOurs
from ccproxy_trio.watch._fetch import Place as Place
from ccproxy_trio.watch._fetch import Refused as Refused
from ccproxy_trio.watch._fetch import Unreachable as Unreachable
from ccproxy_trio.watch._fetch import fetch as fetch
from ccproxy_trio.watch._run import run as run

__all__ = ["NoAnswer", "NotOurs", "Place", "Refused", "Unreachable", "fetch", "run"]
