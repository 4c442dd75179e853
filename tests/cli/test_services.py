"""`podium server services`: what listing and starting the background services promise their user."""

import json

import pytest

from tests.cli.conftest import Podium


def test_the_list_says_what_is_on_and_which_variable_says_so(podium: Podium, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs no server, and fits a terminal of 80 columns."""
    monkeypatch.setenv("PODIUM_SERVER_SERVICES_FOREMAN_ENABLED", "false")
    listed = podium("server", "services", "ls")
    assert listed.code == 0
    heading, *rows = listed.out.splitlines()
    assert heading.split("  ")[0] == "NAME"
    assert max(map(len, rows)) <= 80
    [foreman] = [row for row in rows if row.startswith("foreman")]
    assert foreman.split() == ["foreman", "off", "15", "s", "off", "FOREMAN"]
    assert "PODIUM_SERVER_SERVICES_<variable>_ENABLED" in listed.err


def test_the_list_for_scripts_has_everything(podium: Podium) -> None:
    """With the whole names of the variables."""
    [late] = [
        each for each in json.loads(podium("server", "services", "ls", "-o", "json").out) if each["name"] == "late-runs"
    ]
    assert late["variable"] == "PODIUM_SERVER_SERVICES_LATE_RUNS_ENABLED"
    assert (late["on"], late["interval"]) == (True, 5.0)
    assert late["what"]
