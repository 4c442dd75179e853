"""Column types with one Python value on both databases (see "Values" in docs/architecture.md)."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, DateTime, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

NULL = b"null"
PLAINEST = frozenset((b"{}", b"[]", NULL))
"""What needs no look whether it is JSON."""

_encoder = msgspec.json.Encoder()
_whole = msgspec.json.Decoder(msgspec.Raw).decode

logger = logging.getLogger("podium.db")

Processor = Callable[[Any], Any] | None


def _id_to_text(value: Any) -> Any:
    return value if value is None else str(value)


def _time_in_utc(value: datetime | None) -> datetime | None:
    """A moment whose year in UTC is not from 1 to 9999 could be stored, and never be read again: OverflowError."""
    return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)


def _time_to_integer(value: datetime | None) -> int | None:
    return None if value is None else ((value if value.tzinfo is UTC else value.astimezone(UTC)) - EPOCH) // MICROSECOND


def _integer_to_time(value: int | None) -> datetime | None:
    try:
        return None if value is None else EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return LATEST if value and value > 0 else EARLIEST


def _to_json_text(value: Any) -> Any:
    return value if value is None else _encoder.encode(value).decode()


def _text_to_raw(value: Any) -> msgspec.Raw | None:
    """The stored JSON; what is none (SQLite keeps any text) as null, so that it breaks no answer it is part of."""
    if value is None:
        return None
    try:
        found = value if isinstance(value, bytes) else value.encode()
        if found not in PLAINEST:
            _whole(found)
    except (AttributeError, UnicodeError, msgspec.DecodeError, RecursionError):
        _tell(repr(value)[:100])
        return msgspec.Raw(NULL)
    return msgspec.Raw(found)


def plain(value: Any) -> Any:
    """The value of a JSON column decoded; anything else as it is."""
    return msgspec.json.decode(value) if isinstance(value, msgspec.Raw) else value


def decoded(value: Any, kind: Any, otherwise: Any) -> Any:
    """The value of a JSON column as a type, ``otherwise`` when it is no such thing or NULL: for what lists show."""
    try:
        return otherwise if value is None else msgspec.json.decode(value, type=kind)
    except (msgspec.DecodeError, RecursionError):
        _tell(repr(bytes(value)[:100]))
        return otherwise


@lru_cache(maxsize=256)
def _tell(text: str) -> None:
    """Says it once in the log: lists are read again and again."""
    logger.warning("A stored JSON value is not what it should be, and is left out: %s", text)


class Id(TypeDecorator[str]):
    """A UUID; read as its canonical text, written from that text or from ``uuid.UUID``."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=False))
        return dialect.type_descriptor(Text())

    def bind_processor(self, dialect: Dialect) -> Processor:
        return _id_to_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        return None


class Timestamp(TypeDecorator[datetime]):
    """A moment in UTC with microseconds; PostgreSQL timestamptz, SQLite an integer of microseconds since 1970."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True))
        return dialect.type_descriptor(BigInteger())

    def bind_processor(self, dialect: Dialect) -> Processor:
        return _time_in_utc if dialect.name == "postgresql" else _time_to_integer

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        return None if dialect.name == "postgresql" else _integer_to_time


class Json(TypeDecorator[msgspec.Raw]):
    """A JSON value; written from anything msgspec encodes, read as ``msgspec.Raw``.

    ``Json()`` is searchable (PostgreSQL jsonb, key order and spacing not kept); ``Json(verbatim=True)`` keeps the text.
    """

    impl = Text
    cache_ok = True

    def __init__(self, verbatim: bool = False) -> None:
        super().__init__()
        self.verbatim = verbatim

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.JSON() if self.verbatim else postgresql.JSONB())
        return dialect.type_descriptor(Text())

    def coerce_compared_value(self, op: Any, value: Any) -> Any:
        return JSON().coerce_compared_value(op, value)

    def bind_processor(self, dialect: Dialect) -> Processor:
        return _to_json_text

    def result_processor(self, dialect: Dialect, coltype: object) -> Processor:
        return None if dialect.name == "postgresql" else _text_to_raw
