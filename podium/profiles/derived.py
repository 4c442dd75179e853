"""Settings whose value follows from others when they are not set themselves."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from podium.profiles.errors import SettingsError
from podium.profiles.layers import Candidate

if TYPE_CHECKING:
    from podium.profiles.resolve import Resolved

URL: Final = "server.database.connection_url"
PASSWORD: Final = "server.database.password"  # noqa: S105  # a path, not a password
BASE: Final = "server.base_path"
_PART: Final = "server.database."


def derive(resolved: "Resolved", path: str) -> tuple[Any, Candidate] | None:
    """The value that follows for a setting that no source gives, and the candidate it follows from."""
    if path == URL:
        return _built_url(resolved)
    if path in _FOLLOW_REDIS:
        return _follow_redis(resolved, path)
    if path in _BELOW_BASE and (base := (resolved.value(BASE) or "").strip("/")):
        return f"/{base}{_BELOW_BASE[path]}", _from(resolved, BASE)
    return None


_BELOW_BASE: Final = {"server.api.base_path": "/api", "server.ui.serve_base": ""}
"""What moves with the base path, and where below it."""

_FOLLOW_REDIS: Final = {
    "server.docket.url": None,
    "redis.messaging.url": None,
    "server.events.messaging_broker": "redis",
    "server.events.messaging_cache": "redis",
}
"""What naming a Redis switches, and to what; None is its URL."""

_MESSAGES: Final = "redis.messaging."

DERIVED: Final = (URL, *_FOLLOW_REDIS, *_BELOW_BASE)


def _from(resolved: "Resolved", *paths: str) -> Candidate:
    origins = [resolved.origin(path) for path in paths]
    places = ", ".join(dict.fromkeys(origin.key for origin in origins))
    return Candidate(origins[0].source, f"follows from {places}", origins[0].key, None)


def _follow_redis(resolved: "Resolved", path: str) -> tuple[Any, Candidate] | None:
    """The one Redis URL wins; without it the services meet where the messages do, if any source says where that is."""
    if url := resolved.value("redis.url"):
        return _FOLLOW_REDIS[path] or url, _from(resolved, "redis.url")
    if path == f"{_MESSAGES}url":
        return None
    if url := resolved.value(f"{_MESSAGES}url"):
        return _FOLLOW_REDIS[path] or url, _from(resolved, f"{_MESSAGES}url")
    if resolved.origin(f"{_MESSAGES}host").source == "default":
        return None
    parts = ("host", "port", "db", "username", "password", "ssl")
    given = [name for name in parts if resolved.origin(_MESSAGES + name).source != "default"]
    candidate = _from(resolved, *(_MESSAGES + name for name in given))
    return _FOLLOW_REDIS[path] or _redis_url({name: resolved.value(_MESSAGES + name) for name in parts}), candidate


def _redis_url(parts: dict[str, Any]) -> str:
    scheme = "rediss" if parts["ssl"] else "redis"
    user, password = (quote(parts[name], safe="") for name in ("username", "password"))
    host = f"[{parts['host']}]" if ":" in parts["host"] else parts["host"]
    credentials = f"{user}:{password}@" if password else ""
    return f"{scheme}://{credentials}{host}:{parts['port']}/{parts['db']}"


def _built_url(resolved: "Resolved") -> tuple[str, Candidate] | None:
    parts = {name: resolved.value(_PART + name) for name in ("driver", "host", "port", "user", "password", "name")}
    driver = parts["driver"] or ("postgresql" if parts["host"] else None)
    if driver is None:
        return None
    given = [_PART + name for name, value in parts.items() if value is not None]
    candidate = _from(resolved, *given)
    if driver.startswith("sqlite"):
        return (f"{driver}:///{parts['name']}", candidate) if parts["name"] else None
    missing = [name for name in ("host", "user", "name", "password") if not parts[name]]
    if missing:
        names = ", ".join(f"PODIUM_SERVER_DATABASE_{name.upper()}" for name in missing)
        raise SettingsError(
            f"{resolved.origin(given[0]).where}: with {candidate.key} a database URL also needs {names}."
        )
    user, password, name = (quote(str(parts[part]), safe="") for part in ("user", "password", "name"))
    host = f"[{parts['host']}]" if ":" in parts["host"] else parts["host"]
    return f"{driver}://{user}:{password}@{host}:{parts['port'] or 5432}/{name}", candidate


def with_password(resolved: "Resolved", url: str) -> str:
    """The URL with the separate password put in, if it names a user without one."""
    scheme, separator, rest = url.partition("://")
    authority, slash, tail = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if scheme.startswith("sqlite") or not at or ":" in user:
        return url
    password = resolved.value(PASSWORD)
    return f"{scheme}{separator}{user}:{quote(password, safe='')}{at}{host}{slash}{tail}" if password else url
