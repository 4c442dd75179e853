"""Ids of rows: version 7 UUIDs, in the order they were made."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from podium.db.ids import canonical_id, new_id, new_ids


def test_ids_sort_in_the_order_they_were_made() -> None:
    """Also within a millisecond, and after those of a batch."""
    made = [new_id() for _ in range(5000)]
    assert made == sorted(made)
    assert len(set(made)) == 5000
    batch = new_ids(500)
    assert batch == sorted(batch)
    assert made[-1] < batch[0]
    assert batch[-1] < new_id()


def test_ids_are_version_7_uuids_of_the_present() -> None:
    """The first 48 bits are the milliseconds since 1970."""
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    moment = datetime.fromtimestamp((made.int >> 80) / 1000, UTC)
    assert abs(datetime.now(UTC) - moment) < timedelta(seconds=5)


@pytest.mark.parametrize("text", ["01A1FABB-54BA-771B-97B0-065FB800BDDE", "01a1fabb54ba771b97b0065fb800bdde"])
def test_other_spellings_of_an_id(text: str) -> None:
    """Capitals and missing dashes name the same row; anything else names none."""
    assert canonical_id(text) == "01a1fabb-54ba-771b-97b0-065fb800bdde"
    assert canonical_id("no id") is None
