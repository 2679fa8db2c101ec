"""The Quart-Trio application: parse, lease, relay, map failures."""
