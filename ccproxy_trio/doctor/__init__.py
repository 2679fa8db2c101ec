"""What would keep a server from working here, found before it is started: a file for each family of checks.

Each check is a function that returns a finding; `examine()` puts them in order, the later ones upon what the earlier
ones have found.
"""

from ccproxy_trio.doctor._examine import examine as examine
from ccproxy_trio.doctor._finding import Finding as Finding

__all__ = ["Finding", "examine"]
