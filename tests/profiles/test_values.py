"""Values are read from the forms people write them in."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.profiles.registry import ALL
from podium.profiles.values import Unreadable, expected, parse, text


def read(path: str, raw: Any) -> Any:
    return parse(ALL[path], raw)


@pytest.mark.parametrize("word", ["true", "1", "yes", "on", "TRUE", " Yes "])
def test_words_for_true(word: str) -> None:
    """Truth has many words."""
    assert read("server.ui.enabled", word) is True


@pytest.mark.parametrize("word", ["false", "0", "no", "off", "False"])
def test_words_for_false(word: str) -> None:
    """And so has its opposite."""
    assert read("server.ui.enabled", word) is False


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("15", 15),
        ("15.5", 15.5),
        ("00:00:15", 15),
        ("01:02:03", 3723),
        ("36:00:00", 129600),
        ("00:00:00.25", 0.25),
        ("1 day, 02:00:00", 93600),
        ("7 days, 0:00:00", 604800),
        ("2 days", 172800),
        ("PT15S", 15),
        ("PT1H30M", 5400),
        ("P1DT12H", 129600),
        ("P1W", 604800),
        ("pt0.5s", 0.5),
        (15, 15),
    ],
)
def test_durations(written: Any, seconds: float) -> None:
    """Durations are seconds, clock times, days with clock times, or ISO 8601, everywhere."""
    assert read("server.services.late_runs.after_seconds", written) == seconds


@pytest.mark.parametrize("written", ["", "soon", "1:2", "P", "PT", "00:61:00", "-1", "nan", "inf", True, "P1DT"])
def test_what_is_no_duration(written: Any) -> None:
    """Anything else is refused."""
    with pytest.raises(Unreadable, match="a duration"):
        read("server.services.late_runs.after_seconds", written)


@given(st.floats(min_value=0, max_value=1e9, allow_nan=False))
def test_durations_read_back(seconds: float) -> None:
    """What is printed is what was meant."""
    setting = ALL["server.services.late_runs.after_seconds"]
    assert parse(setting, text(seconds)) == seconds


@pytest.mark.parametrize(
    ("path", "raw", "value"),
    [
        ("client.retry_extra_codes", "502, 503", frozenset({502, 503})),
        ("client.retry_extra_codes", "[502, 503]", frozenset({502, 503})),
        ("client.retry_extra_codes", [502], frozenset({502})),
        ("client.retry_extra_codes", "", frozenset()),
        ("client.custom_headers", '{"X-Team": "data"}', {"X-Team": "data"}),
        ("client.custom_headers", {"X-Team": "data"}, {"X-Team": "data"}),
        ("server.services.db_vacuum.event_retention_overrides", '{"a": "P1D"}', {"a": 86400.0}),
        ("server.services.db_vacuum.enabled", "true", frozenset({"events", "flow_runs", "orphans"})),
        ("server.services.db_vacuum.enabled", "false", frozenset({"events"})),
        ("server.services.db_vacuum.enabled", "", frozenset({"events"})),
        ("server.services.db_vacuum.enabled", "null", frozenset()),
        ("server.services.db_vacuum.enabled", "flow_runs", frozenset({"flow_runs", "orphans"})),
        ("server.logging_level", "debug", "DEBUG"),
        ("server.database.sqlite_synchronous", "full", "FULL"),
        ("server.events.messaging_broker", "prefect_redis.messaging", "redis"),
        ("server.events.messaging_broker", "prefect.server.utilities.messaging.memory", "memory"),
        ("server.concurrency.lease_storage", "prefect_redis.lease_storage", "redis"),
        ("server.memo_store_path", "/tmp/x", Path("/tmp/x")),
        ("server.database.timeout", "", None),
        ("cli.prompt", "", None),
        ("server.api.port", 4300, 4300),
        ("tasks.default_retry_delay_seconds", "1, 2", (1.0, 2.0)),
    ],
)
def test_forms(path: str, raw: Any, value: Any) -> None:
    """Lists by comma or JSON, objects as JSON, words in any case, empty for nothing."""
    assert read(path, raw) == value


@pytest.mark.parametrize(
    ("path", "raw"),
    [
        ("server.api.port", "http"),
        ("server.api.port", "65536"),
        ("server.api.port", "-1"),
        ("server.api.port", "4200.5"),
        ("server.api.port", True),
        ("server.workers", "0"),
        ("server.concurrency.initial_deployment_lease_duration", "29"),
        ("server.concurrency.initial_deployment_lease_duration", "3601"),
        ("server.services.db_vacuum.retention_period", "3600"),
        ("server.services.db_vacuum.enabled", "everything"),
        ("client.retry_extra_codes", "99"),
        ("client.custom_headers", "X-Team: data"),
        ("client.custom_headers", "[1]"),
        ("server.logging_level", "loud"),
        ("server.ui.enabled", "maybe"),
        ("server.database.connection_url", "mysql://h/db"),
        ("server.database.connection_url", "podium.db"),
        ("server.docket.url", "amqp://h"),
        ("api.url", "127.0.0.1:4200"),
        ("server.encryption_key", "too short"),
        ("api.key", "a\0b"),
    ],
)
def test_values_out_of_range_are_refused(path: str, raw: Any) -> None:
    """Bounds and forms hold, and the refusal says what is expected."""
    with pytest.raises(Unreadable) as refusal:
        read(path, raw)
    assert str(refusal.value) == expected(ALL[path])
