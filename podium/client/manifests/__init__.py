"""Declared things: documents of what is on a server, what would have to change for them, and doing it."""
