"""The live server of the tests of the server, on each kind of database."""

from tests.server.conftest import (  # noqa: F401  # fixtures
    api,
    migrated_postgres,
    migrated_sqlite,
    module_database_url,
    server,
)
