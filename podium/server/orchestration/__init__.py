"""Orchestration: which transition between states a run may make, and what follows from it."""
