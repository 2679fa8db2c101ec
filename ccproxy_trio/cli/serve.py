"""`ccproxy-trio serve`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from ccproxy_trio.cli.settings_command import SettingsCommand
from ccproxy_trio.hangups import Hangups
from ccproxy_trio.log_output import open_missing_streams
from ccproxy_trio.settings import OPTIONS

if TYPE_CHECKING:
    from ccproxy_trio.cli.settings_command import Sources


def _serve(sources: Sources) -> None:
    """Serve the Messages API from a pool of Claude CLI instances.

    Every option may also stand in a file (see --config), under its section, or in the environment, as
    SECTION__OPTION. Flags win over the environment, the environment over the file.

    \b
    Examples:
      ccproxy-trio serve --demo
      ccproxy-trio serve --port 9000 --min-size 4 --max-size 20
      POOL_SETTINGS__MAX_SIZE=20 ccproxy-trio serve --config /etc/ccproxy.toml
    """
    open_missing_streams()
    hangups = Hangups.take()
    settings = sources.load()
    from ccproxy_trio.serve import run

    sys.exit(run(settings, sources.load, hangups))


serve = SettingsCommand("serve", _serve, shown=OPTIONS)
