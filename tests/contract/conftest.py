"""The live server of the tests of the server, on each kind of database."""

import os

import pytest

from tests.server.conftest import (  # noqa: F401  # fixtures
    api,
    migrated_postgres,
    migrated_sqlite,
    module_database_url,
    server,
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many requests were made up, and from what they can be made again."""
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    counts = [count for each in reports for name, count in each.user_properties if name == "examples"]
    if counts:
        seed = os.environ.get("PODIUM_TEST_SEED", "1")
        terminalreporter.write_line(f"{sum(counts)} requests to {len(counts)} operations, PODIUM_TEST_SEED={seed}")
