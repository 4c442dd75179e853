"""Lists and details of nouns on stdout, in every format."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from podium.cli.context import Invocation
from podium.cli.output import Format
from podium.client.nouns.cells import cell
from podium.client.nouns.noun import Column, Names, Noun, joined


def show_list(invocation: Invocation, noun: Noun, rows: Iterable[Any], output: Format) -> None:
    """Write rows: a table, or for programs. JSON and YAML are what the server answered, CSV the table's columns."""
    out = invocation.output
    if output == "jsonl":
        out.data(rows, output)
        return
    rows = list(rows)
    if output in ("json", "yaml"):
        out.data(rows, output)
        return
    names = joined(invocation.client, noun, rows)
    if output == "name":
        for row in rows:
            out.line(noun.reference(row, names))
    elif output == "csv":
        show_csv(invocation, noun.columns, rows, names)
    else:
        show_table(invocation, _columns(noun, rows, names), rows, names)


def _columns(noun: Noun, rows: Sequence[Any], names: Names) -> Sequence[Column]:
    """The columns of a table, where ids make room for names only if these tell the rows apart."""
    told = [noun.told(row, names) for row in rows]
    if len(set(told)) == len(told):
        return noun.columns
    return [column._replace(rank=0) if column.kind == "id" else column for column in noun.columns]


def show_table(invocation: Invocation, columns: Sequence[Column], rows: Sequence[Any], names: Names) -> None:
    """Write rows under their columns."""
    now = _now(invocation)
    invocation.output.table(columns, [[cell(each.of(row, names), each.kind, now) for each in columns] for row in rows])


def show_csv(invocation: Invocation, columns: Sequence[Column], rows: Sequence[Any], names: Names) -> None:
    """Write rows as CSV, a column for each of the table's."""
    # Loaded on use: only this format needs it.
    from podium.cli.formats import csv_lines

    heads = [column.name.replace(" ", "_") for column in columns]
    for line in csv_lines(heads, ([column.of(row, names) for column in columns] for row in rows)):
        invocation.output.raw(line)


def show_one(invocation: Invocation, noun: Noun, rows: Sequence[Any], output: Format, *, alone: bool) -> None:
    """Write everything about one thing, or about several (not ``alone``: a list, also of one)."""
    out, client = invocation.output, invocation.client
    if output in ("name", "csv"):
        show_list(invocation, noun, rows, output)
        return
    if output != "table":
        whole = [with_sections(invocation, noun, row) for row in rows]
        out.data(whole[0] if alone else whole, output)
        return
    names = joined(client, noun, rows, detail=True)
    for number, row in enumerate(rows):
        if number:
            out.line()
        show_detail(invocation, (*noun.columns, *noun.detail), row, names)
        for section in noun.sections:
            if below := section.rows(client, row):
                out.line()
                show_table(invocation, section.columns, below, names)


def show_detail(invocation: Invocation, columns: Sequence[Column], row: Any, names: Names) -> None:
    """Write a line for each column that has a value."""
    now = _now(invocation)
    lines = [(column.name, _detail(column, column.of(row, names), now)) for column in columns]
    shown = [(name, text) for name, text in lines if text]
    width = max((len(name) for name, _ in shown), default=0) + 1
    for name, text in shown:
        first, *more = invocation.output.folded(text, width + 1)
        invocation.output.line(f"{name + ':':<{width}} {first}")
        for line in more:
            invocation.output.line(f"{' ' * width} {line}" if line else "")


def _detail(column: Column, value: Any, now: datetime | None) -> str:
    """A value with room for it: a moment with its date, JSON over several lines where it is long."""
    if isinstance(value, datetime):
        stamp = cell(value, column.kind)
        return f"{stamp} ({cell(value, column.kind, now)})" if now else stamp
    text = cell(value, column.kind)
    if column.kind == "json" and len(text) > 60 and text[0] in "[{":
        return msgspec.json.format(text, indent=2)
    return text


def with_sections(invocation: Invocation, noun: Noun, row: Any) -> Any:
    """What the server tells of a row, with its sections as further fields."""
    if not noun.sections:
        return row
    whole = msgspec.to_builtins(row)
    return {**whole, **{section.name: section.rows(invocation.client, row) for section in noun.sections}}


def _now(invocation: Invocation) -> datetime | None:
    """People are told how long ago something was, programs when."""
    return datetime.now(UTC) if invocation.output.is_terminal else None
