"""One Claude CLI process as a poolable instance: find it, start it, talk to it, rewind it."""
