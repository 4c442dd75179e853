"""Which columns the tables of a database have, and how each is written into a backup and read out of one."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import BigInteger, Boolean, Connection, Float, Integer, Table, inspect

from podium.db.backup.archive import Column, Kind
from podium.db.tables import metadata
from podium.db.types import EARLIEST, EPOCH, LATEST, Id, Json, Timestamp

KINDS: Final[tuple[tuple[type[Any], Kind], ...]] = (
    (Id, "id"),
    (Json, "json"),
    (Timestamp, "time"),
    (Boolean, "boolean"),
    (BigInteger, "integer"),
    (Integer, "integer"),
    (Float, "number"),
)

NUL = "\x00"

_whole = msgspec.json.Decoder(msgspec.Raw).decode


def tables_of(connection: Connection) -> list[tuple[Table, list[Column]]]:
    """The tables that the code declares and the database has, each with the columns that both know, parents first.

    A database of an older revision has fewer; a column that a later revision dropped is not copied.
    """
    reflected = inspect(connection).get_multi_columns()
    there = {name: [column["name"] for column in columns] for (_, name), columns in reflected.items()}
    return [
        (table, [Column(str(name), _kind(table, name)) for name in there[table.name] if name in table.columns])
        for table in metadata.sorted_tables
        if table.name in there
    ]


def _kind(table: Table, name: str) -> Kind:
    kind = table.c[name].type
    return next((word for known, word in KINDS if isinstance(kind, known)), "text")


Convert = Callable[[Any], Any]


def for_sqlite(columns: Sequence[Column]) -> list[tuple[int, Convert]]:
    """What SQLite stores differently from what is read out of a line, by its place there."""
    return [(place, _to_integer) for place, column in enumerate(columns) if column.kind == "boolean"]


def for_postgresql(columns: Sequence[Column]) -> list[tuple[int, Convert]]:
    """Likewise what PostgreSQL gets, whose values are of stricter types."""
    converts: dict[str, Convert] = {"time": _to_moment, "json": _to_json, "text": _to_text}
    return [(place, converts[column.kind]) for place, column in enumerate(columns) if column.kind in converts]


def _to_integer(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _to_moment(value: int | None) -> datetime | None:
    try:
        return None if value is None else EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return LATEST if value and value > 0 else EARLIEST


def _to_json(value: str | None) -> str | None:
    """SQLite keeps any text; what is no JSON is read as null there, and becomes that here."""
    if value is None:
        return None
    try:
        _whole(value)
    except (msgspec.DecodeError, RecursionError):
        return "null"
    return value


def _to_text(value: str | None) -> str | None:
    return value.replace(NUL, "") if value and NUL in value else value
