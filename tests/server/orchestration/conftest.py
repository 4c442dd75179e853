"""Runs to take through their states, on a migrated database of each kind."""

import pytest

from tests.server.conftest import Units
from tests.server.runs import Runs


@pytest.fixture
def runs(units: Units) -> Runs:
    return Runs(units)
