"""Fixtures of the dashboard's tests: a server with something of everything."""

from collections.abc import Iterator

import pytest

from tests.cli.garden import plant
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A live server on its own database, shared by a module."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        yield live


@pytest.fixture(scope="module")
def planted(server: LiveServer) -> dict[str, str]:
    """One of every noun; by the noun, what its commands take for it."""
    return plant(server.url)
