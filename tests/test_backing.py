"""The fixtures that give a test its databases keep what they promise."""

import psycopg
import redis


def test_every_use_has_a_database_of_its_own(postgres_url: str) -> None:
    """A fresh PostgreSQL database is empty."""
    with psycopg.connect(postgres_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row == (0,)


def test_a_test_on_database_url_runs_on_both_kinds(database_url: str, request) -> None:
    """The name of the running case says the kind of its URL."""
    assert request.node.callspec.params["database_url"] in database_url


def test_redis_is_empty(redis_url: str) -> None:
    """What a test leaves in Redis does not reach the next one."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_redis_is_still_empty(redis_url: str) -> None:
    """The second use of the same server starts empty again."""
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
