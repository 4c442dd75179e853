"""The table of slots around changes of the clock (golden.json): 12 zones, forward and back, each kind of schedule.

Some rows surprise at first sight and are right by the rules. Apia left out 30 December 2011, so that the run of a daily
cron on that day falls together with the one of the 29th, as does a weekly cron's of that Friday. Lord Howe moves by
half an hour. Dublin and Casablanca take winter time for the exception, which changes nothing. São Paulo and Cairo skip
and repeat the time around midnight, so that a run moves to the day before.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from podium.server.operations.schedules import dates, last_dates
from tests.server.schedules import oracle

TABLE: dict[str, Any] = json.loads(oracle.GOLDEN.read_text())
CHANGES = [(zone, change) for zone, changes in TABLE.items() for change in changes]


def test_the_table_follows_from_the_rules() -> None:
    """What an independent minute by minute reading of the rules gives is what is committed."""
    assert oracle.table() == TABLE


def test_the_table_is_whole() -> None:
    """Twelve zones, both directions, every kind in several shapes."""
    assert len(TABLE) == 12
    for changes in TABLE.values():
        assert len(changes) == 2
        for rows in changes.values():
            kinds = [name.partition(":")[0] for name in rows]
            assert all(kinds.count(kind) >= 4 for kind in ("cron", "interval", "rrule"))


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_schedules_fire_by_the_table(zone: str, change: str) -> None:
    """From whichever moment one looks, and also backwards from the end."""
    clock = ZoneInfo(zone)
    for name, row in TABLE[zone][change].items():
        begin, end = datetime.fromisoformat(row["from"]), datetime.fromisoformat(row["to"])
        found = list(dates(row["schedule"], begin, end))
        assert [oracle.shown(date, clock) for date in found] == row["slots"], name
        look, step = begin, (end - begin) / 37
        while look <= end:
            assert list(dates(row["schedule"], look, end)) == [date for date in found if date >= look], (name, look)
            look += step
        assert last_dates(row["schedule"], begin, end, 2) == found[-2:], name


def test_the_table_knows_its_zones() -> None:
    """The offsets are those of the time zone database in use, which changes now and then."""
    paris = datetime(2026, 3, 29, 1, tzinfo=UTC).astimezone(ZoneInfo("Europe/Paris"))
    assert paris.utcoffset() == timedelta(hours=2)
