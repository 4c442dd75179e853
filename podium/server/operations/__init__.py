"""Verbs with behaviour, callable from any door."""
