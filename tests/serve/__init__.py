"""The server as a process of its own, started as an operator starts it."""
