"""Automations that fire by hand, on a migrated database of each kind."""

import pytest

from tests.server.automations.acting import Acting
from tests.server.conftest import Units


@pytest.fixture
def acting(units: Units) -> Acting:
    return Acting(units)
