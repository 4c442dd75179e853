"""What people type: spans and moments of time, ids, states."""

from datetime import UTC, datetime, timedelta

import pytest

from podium.client.nouns.values import is_id, iso, moment, seconds, state_name, state_type

NOW = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("15m", 900),
        ("2h", 7200),
        ("1h30m", 5400),
        ("7d", 604800),
        ("1w", 604800),
        ("in 5 minutes", 300),
        ("1 hour and 30 min", 5400),
        ("2 days", 172800),
    ],
)
def test_spans(text: str, wanted: float) -> None:
    """In short or in words, of one unit or several."""
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "soon", "5 parsecs", "h2", "-5m", "1h x"])
def test_what_is_no_span_is_refused(text: str) -> None:
    """With an example of one."""
    with pytest.raises(ValueError, match="span of time"):
        seconds(text)


def test_moments() -> None:
    """So long ago, today's clock, a date with and without an offset."""
    assert moment("2h", NOW) == NOW - timedelta(hours=2)
    assert moment("2h ago", NOW) == NOW - timedelta(hours=2)
    assert moment("now", NOW) == NOW
    assert moment("2026-05-06T07:08:09Z") == datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)
    assert moment("at 2026-05-06 07:08").tzinfo is not None
    midnight = NOW.astimezone().replace(hour=0, minute=0)
    assert moment("yesterday", NOW) == midnight - timedelta(days=1)
    assert moment("17:30", NOW) == moment("at 5:30pm", NOW) == midnight.replace(hour=17, minute=30)
    with pytest.raises(ValueError, match="is no moment"):
        moment("someday")
    assert iso(NOW) == "2026-05-06T12:00:00Z"


def test_ids_and_states() -> None:
    """However they are typed."""
    assert is_id("01A22027-8b79-774c-b692-9efc13959273")
    assert not is_id("sassy-mongoose")
    assert [state_name(each) for each in ("late", "AWAITINGRETRY", "MyOwn")] == ["Late", "AwaitingRetry", "MyOwn"]
    assert state_type("failed") == "FAILED"
    with pytest.raises(ValueError, match="these are scheduled, pending"):
        state_type("late")
