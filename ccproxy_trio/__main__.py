"""`python -m ccproxy_trio` is the same as `ccproxy-trio`."""

from ccproxy_trio.cli import main

main(prog_name="ccproxy-trio")
