"""Tests of the client talk to a live server."""

from tests.server.conftest import api, migrated_postgres, migrated_sqlite, module_database_url, server

__all__ = ["api", "migrated_postgres", "migrated_sqlite", "module_database_url", "server"]
