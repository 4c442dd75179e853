"""Values for programs: JSON line by line, CSV, YAML and names alone."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from podium.client.nouns.cells import plain
from podium.client.yaml_text import yaml_text


def written(value: Any, format: str, names: Sequence[str]) -> Iterator[str]:  # noqa: A002
    """The text of a value in a format, in pieces of whole lines."""
    if format == "yaml":
        yield yaml_text(msgspec.to_builtins(value, str_keys=True))
        return
    items: Iterable[Any] = [value] if isinstance(value, Mapping | msgspec.Struct | str) else value
    if format == "jsonl":
        for item in items:
            yield msgspec.json.encode(item).decode() + "\n"
        return
    records = [_record(item) for item in items]
    if format == "name":
        for record in records:
            first = next(iter(record.values()), "")
            yield f"{next((record[name] for name in names if record.get(name) is not None), first)}\n"
    else:
        columns = list(dict.fromkeys(name for record in records for name in record))
        yield from csv_lines(columns, ([record.get(name) for name in columns] for record in records))


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV as spreadsheets and the standard library read it, under a heading."""
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line([plain(value) for value in row])


def _csv_line(values: Sequence[Any]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()


def _record(item: Any) -> dict[str, Any]:
    built = msgspec.to_builtins(item, str_keys=True)
    return built if isinstance(built, dict) else {"value": built}


class Stream:
    """Writes records as they come: CSV with one heading, JSON a line each."""

    def __init__(self, write: Callable[[str], object], format: str, names: Sequence[str] = ("id",)) -> None:  # noqa: A002
        self._write = write
        self._format = "jsonl" if format == "json" else format
        self._names = names
        self._heading: list[str] = []

    def record(self, item: Any) -> None:
        """Writes one."""
        if self._format == "csv":
            record = _record(item)
            if not self._heading:
                self._heading = list(record)
                self._write(_csv_line(self._heading))
            self._write(_csv_line([plain(record.get(name)) for name in self._heading]))
        elif self._format == "yaml":
            self._write(f"---\n{yaml_text(msgspec.to_builtins(item, str_keys=True))}")
        else:
            for text in written([item], self._format, self._names):
                self._write(text)
