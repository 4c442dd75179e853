"""Fixtures for tests of the WebSocket endpoints."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def sqlite_copy(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a migrated SQLite database for one module."""
    path = tmp_path_factory.mktemp("database") / "podium.db"
    path.write_bytes(migrated_sqlite.read_bytes())
    return f"sqlite+aiosqlite:///{path}"
