"""The WebSocket endpoints."""

from podium.server.sockets.events_in import EventsIn

SOCKETS = (("/events/in", EventsIn),)
"""Each path below the API's base, with the class that makes its responder: ``make(runtime, guard)``."""
