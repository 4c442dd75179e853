"""What several parts of the server read out of the settings."""

from podium.db.options import Options
from podium.profiles import Settings


def database_options(settings: Settings) -> Options:
    """How this process connects to its database."""
    database = settings.server.database
    pool = database.sqlalchemy
    return Options(
        timeout=database.timeout or 0.0,
        connection_timeout=database.connection_timeout or 5.0,
        pool_size=pool.pool_size,
        max_overflow=pool.max_overflow,
        pool_recycle=pool.pool_recycle,
        pool_timeout=pool.pool_timeout or 30.0,
        readers=database.readers,
        synchronous=database.sqlite_synchronous,
        echo=database.echo,
        application_name=pool.connect_args.application_name or "podium",
    )


def base_path(settings: Settings) -> str:
    """Where the API is mounted: ``/api`` unless set, without a slash at its end (empty: at the root)."""
    return f"/{(settings.server.api.base_path or '/api').strip('/')}".rstrip("/")
