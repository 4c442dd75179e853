"""What the settings of the database say is what its connections are."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.errors import DatabaseUnreachable
from podium.db.options import Options
from podium.profiles import load_settings

ARGUMENTS = "server.database.sqlalchemy.connect_args"


def options(**flags: Any) -> Options:
    """The options under settings of ``connect_args``."""
    given = {f"{ARGUMENTS}.{name.replace('__', '.')}": value for name, value in flags.items()}
    return Options.of(load_settings(given, environ={}).server.database)


def test_tls_is_never_less_than_what_was_asked_for(postgres_url: str, tmp_path: Path) -> None:
    """The certificate is checked, and a server without TLS is not talked to."""
    assert options().tls is None
    asked = options(tls__enabled=True)
    assert asked.tls is not None
    assert asked.tls["sslmode"] == "verify-full"
    assert asked.tls["sslrootcert"]
    files = {name: str(tmp_path / name) for name in ("ca_file", "cert_file", "key_file")}
    given = options(tls__enabled=True, tls__check_hostname=False, **{f"tls__{name}": at for name, at in files.items()})
    assert given.tls == {
        "sslmode": "verify-ca",
        "sslrootcert": files["ca_file"],
        "sslcert": files["cert_file"],
        "sslkey": files["key_file"],
    }
    with pytest.raises(DatabaseUnreachable, match=r"SSL|certificate"):
        commands.current(postgres_url, asked)


def test_a_session_is_as_the_settings_say(postgres_url: str) -> None:
    """Its name, the schemas it searches, and how many statements it keeps prepared."""
    wanted = options(application_name="shop", search_path='"shop floor", public', statement_cache_size=20)
    engine = open_engine(postgres_url, wanted)
    with engine.connect() as connection:
        assert connection.execute(text("SHOW application_name")).scalar() == "shop"
        assert connection.execute(text("SHOW search_path")).scalar() == '"shop floor", public'
        assert connection.execute(text("SHOW timezone")).scalar() == "UTC"
        assert connection.connection.driver_connection.prepared_max == 20  # type: ignore[union-attr]
    engine.dispose()


def test_nothing_is_prepared_behind_a_pooler(postgres_url: str) -> None:
    """The smaller of the two sizes counts, and 0 is for none."""
    engine = open_engine(postgres_url, options(statement_cache_size=50, prepared_statement_cache_size=0))
    with engine.connect() as connection:
        assert connection.connection.driver_connection.prepare_threshold is None  # type: ignore[union-attr]
    engine.dispose()
