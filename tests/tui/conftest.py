"""Fixtures of the dashboard's tests: a server with something of everything."""

import pytest

from tests.cli.conftest import server
from tests.cli.garden import plant
from tests.server.conftest import LiveServer

__all__ = ["server"]


@pytest.fixture(scope="module")
def planted(server: LiveServer) -> dict[str, str]:
    """One of every noun; by the noun, what its commands take for it."""
    return plant(server.url)
