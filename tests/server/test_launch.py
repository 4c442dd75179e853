"""What the log of a server says."""

import logging

import psycopg
import pytest
import redis

from podium.db.errors import DatabaseUnavailable
from podium.profiles.resolve import load_settings
from podium.server import launch


@pytest.mark.parametrize(
    ("name", "error", "is_short"),
    [
        ("podium.server.services", DatabaseUnavailable("refused"), True),
        ("docket.worker", redis.ConnectionError("refused"), True),
        ("sqlalchemy.pool.impl.QueuePool", psycopg.OperationalError("refused"), True),
        ("podium.server", ValueError("refused"), False),
    ],
)
def test_a_database_or_redis_that_is_away_takes_a_line(
    name: str, error: Exception, is_short: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where in the code that was noticed is told of other errors only."""
    loggers = [logging.getLogger(each) for each in (None, "podium", "uvicorn", "docket")]
    levels, handlers = [each.level for each in loggers], logging.root.handlers[:]
    try:
        launch.set_up_logging(load_settings(environ={}))
        try:
            raise error
        except Exception:
            logging.getLogger(name).exception("It failed")
    finally:
        logging.root.handlers[:] = handlers
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
    said = capsys.readouterr().err.strip().splitlines()
    assert "It failed" in said[0] and "refused" in said[-1]
    assert (len(said) == 1) is is_short
