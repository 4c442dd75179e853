"""The database that the topology's tests stop and start."""

from collections.abc import Iterator

import pytest

from tests import backing


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[backing.OwnPostgres]:
    """A PostgreSQL of the module's own; skips by name where it is not installed."""
    try:
        with backing.own_postgres() as server:
            yield server
    except backing.Absent as absent:
        pytest.skip(str(absent))
