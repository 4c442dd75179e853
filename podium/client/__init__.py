"""The way to a server: one method for every endpoint."""
