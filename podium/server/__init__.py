"""The server: HTTP and WebSockets, orchestration, background services."""
