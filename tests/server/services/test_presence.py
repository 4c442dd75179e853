"""Processes that answer requests note it; those that run services read since when somebody did."""

import time
from datetime import timedelta

from sqlalchemy import delete, select

from podium.db.tables.flow_run_heartbeats import api_presence
from podium.server.queries.presence import note_presence, present_since
from tests.server.conftest import LiveServer, Units
from tests.server.runs import Runs


def test_a_process_that_answers_requests_notes_it(units: Units, server: LiveServer) -> None:
    """Once it has started."""
    end = time.monotonic() + 5
    while not units.all(select(api_presence)):
        assert time.monotonic() < end, server.url
        time.sleep(0.05)
    assert units.read(present_since) is not None


def test_presence_begins_anew_after_a_gap(units: Units) -> None:
    """Of more than half a minute; during one nobody is there. Another process that tells at the same time is no gap."""
    units.write(lambda tx: tx.run(delete(api_presence)))
    clock = Runs(units)
    clock.wait(1000)
    assert units.read(present_since) is None
    units.write(note_presence)
    begun = units.read(present_since)
    for _ in range(9):
        clock.wait(7)
        for _ in range(2):
            units.write(note_presence)
    clock.wait(29)
    assert units.read(present_since) == begun
    clock.wait(5)
    assert units.read(present_since) is None
    units.write(note_presence)
    again = units.read(present_since)
    assert again - begun > timedelta(seconds=90)
