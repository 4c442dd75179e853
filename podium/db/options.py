"""How a process connects to its database."""

import ssl
from dataclasses import dataclass
from typing import Self

from podium.profiles.sections.database import ConnectArgs, Database, Tls


@dataclass(slots=True)
class Options:
    """How to connect: times in seconds, sizes in connections.

    ``lock_timeout`` is how long a statement waits for a lock of PostgreSQL, 0 for as long as it may take.
    ``prepared`` is how many statements a PostgreSQL connection keeps prepared: 0 for none, None for as many as usual.
    ``tls`` are parameters of the PostgreSQL client library, none where the URL alone says whether to use TLS.
    """

    timeout: float = 10.0
    connection_timeout: float = 5.0
    lock_timeout: float = 0.0
    pool_size: int = 5
    max_overflow: int = 10
    pool_recycle: int = 3600
    pool_timeout: float = 30.0
    readers: int = 2
    synchronous: str = "NORMAL"
    echo: bool = False
    application_name: str = "podium"
    search_path: str | None = None
    prepared: int | None = None
    tls: dict[str, str] | None = None
    in_memory: bool = False

    @classmethod
    def of(cls, settings: Database) -> Self:
        """What the settings ask for."""
        pool = settings.sqlalchemy
        arguments = pool.connect_args
        return cls(
            timeout=settings.timeout or 0.0,
            connection_timeout=settings.connection_timeout or 5.0,
            pool_size=pool.pool_size,
            max_overflow=pool.max_overflow,
            pool_recycle=pool.pool_recycle,
            pool_timeout=pool.pool_timeout or 30.0,
            readers=settings.readers,
            synchronous=settings.sqlite_synchronous,
            echo=settings.echo,
            application_name=arguments.application_name or "podium",
            search_path=arguments.search_path,
            prepared=_prepared(arguments),
            tls=_tls(arguments.tls),
        )


def _prepared(arguments: ConnectArgs) -> int | None:
    sizes = (arguments.statement_cache_size, arguments.prepared_statement_cache_size)
    return min((size for size in sizes if size is not None), default=None)


def _tls(tls: Tls) -> dict[str, str] | None:
    """The server's certificate is always checked, with the CA file or what this machine trusts."""
    if not tls.enabled:
        return None
    files = {"sslcert": tls.cert_file, "sslkey": tls.key_file}
    return {
        "sslmode": "verify-full" if tls.check_hostname else "verify-ca",
        "sslrootcert": tls.ca_file or ssl.get_default_verify_paths().cafile or "system",
        **{name: file for name, file in files.items() if file},
    }
