"""The terminal dashboard. It knows the server through `podium.client` only, and nothing of the commands."""
