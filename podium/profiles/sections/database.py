"""Which database the server keeps everything in, and how it talks to it."""

from typing import Annotated, Literal

import msgspec

from podium.profiles.declaration import HOME, DatabaseUrl, Seconds, Section, setting

Driver = Literal["postgresql+asyncpg", "postgresql+psycopg", "postgresql", "sqlite+aiosqlite", "sqlite"]


class Tls(Section, frozen=True):
    """TLS to PostgreSQL."""

    enabled: Annotated[bool, setting("Connect to PostgreSQL with TLS.", guarded=True)] = False
    ca_file: Annotated[str | None, setting("CA file the server's certificate is checked with.", guarded=True)] = None
    cert_file: Annotated[str | None, setting("Client certificate.", guarded=True)] = None
    key_file: Annotated[str | None, setting("Private key of the client certificate.", guarded=True)] = None
    check_hostname: Annotated[
        bool, setting("The certificate must be for the host that is connected to.", guarded=True)
    ] = True


class ConnectArgs(Section, frozen=True):
    """What a PostgreSQL connection is opened with."""

    application_name: Annotated[str | None, setting("Name shown in pg_stat_activity.")] = None
    search_path: Annotated[str | None, setting("Schemas searched; keep `public` for pg_trgm.")] = None
    statement_cache_size: Annotated[int | None, setting("Prepared statements kept; 0 behind PgBouncer.", ge=0)] = None
    prepared_statement_cache_size: Annotated[
        int | None, setting("The same under its other name; the smaller of the two counts.", ge=0)
    ] = None
    tls: Tls = msgspec.field(default_factory=Tls)


class Sqlalchemy(Section, frozen=True):
    """The PostgreSQL connection pool."""

    pool_size: Annotated[int, setting("Connections kept open.", "SQLALCHEMY_POOL_SIZE", ge=0)] = 5
    max_overflow: Annotated[int, setting("Connections opened above that.", "SQLALCHEMY_MAX_OVERFLOW", ge=-1)] = 10
    pool_recycle: Annotated[int, setting("Seconds after which a connection is replaced; -1: never.", ge=-1)] = 3600
    pool_timeout: Annotated[
        Seconds | None, setting("How long a unit waits for a connection; 4 seconds at most.", ge=0)
    ] = 30.0
    connect_args: ConnectArgs = msgspec.field(default_factory=ConnectArgs)


class Database(Section, frozen=True):
    """Where the data is."""

    connection_url: Annotated[
        DatabaseUrl,
        setting(
            "`sqlite:///file`, `sqlite:///:memory:` or `postgresql://user:password@host/name`; "
            "empty: built from the parts below, else a file in the home directory.",
            secret=True,
        ),
    ] = f"sqlite+aiosqlite:///{HOME}/podium.db"
    driver: Annotated[Driver | None, setting("Driver part of the URL.", guarded=True)] = None
    host: Annotated[str | None, setting("Host part of the URL.", guarded=True)] = None
    port: Annotated[int | None, setting("Port part of the URL; empty: 5432.", guarded=True, ge=1, le=65535)] = None
    user: Annotated[str | None, setting("User part of the URL.", guarded=True)] = None
    password: Annotated[str | None, setting("Password, also for a URL that carries none.", secret=True)] = None
    name: Annotated[str | None, setting("Database name, or the SQLite file.", guarded=True)] = None
    echo: Annotated[bool, setting("Log every SQL statement.")] = False
    migrate_on_start: Annotated[bool, setting("Bring the tables up to date when the server starts.")] = True
    timeout: Annotated[Seconds | None, setting("How long a statement may take; empty: any time.", ge=0)] = 10.0
    connection_timeout: Annotated[Seconds | None, setting("How long connecting may take.", ge=0)] = 5.0
    migration_timeout: Annotated[
        Seconds | None, setting("How long a statement of a migration may take; empty: any time.", gt=0)
    ] = None
    sqlite_synchronous: Annotated[
        Literal["NORMAL", "FULL"],
        setting("When SQLite waits for the disk: NORMAL survives a crash of the process, FULL one of the machine."),
    ] = "NORMAL"
    readers: Annotated[int, setting("Threads that read a SQLite database beside its writer.", ge=1, le=64)] = 2
    sqlalchemy: Sqlalchemy = msgspec.field(default_factory=Sqlalchemy)
