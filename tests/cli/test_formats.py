"""YAML, CSV and tables, whatever the values are."""

from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.cli.formats import csv_lines, written
from podium.cli.output import Output, Style
from podium.cli.table import Terminal, fitted_table, plain_table
from podium.client.nouns.cells import age, cell, duration
from podium.client.nouns.fitting import fit, width_of
from podium.client.nouns.noun import Column, merged, nested
from podium.client.yaml_text import yaml_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["a: b", "- x", "#c", "null", "yes", "1e3", "0x1f", "2026-05-06", "=", "~", "a:", "x\n\ny\n", "1:30", "a\n b", "\n"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
    max_leaves=12,
)
NOW = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


@settings(max_examples=150, deadline=None)
@given(VALUES)
def test_yaml_is_read_as_it_was(value: Any) -> None:
    """By a reader of YAML 1.1, which takes more for numbers and booleans than others."""
    assert yaml.safe_load(yaml_text(value)) == value


def test_yaml_is_made_to_be_read_by_people() -> None:
    """Blocks, few quotes, texts of several lines as they are."""
    value = {"name": "etl", "tags": ["a", "b: c"], "script": "one\ntwo\n", "none": {}, "rows": [{"x": 1, "y": None}]}
    assert yaml_text(value) == (
        'name: etl\ntags:\n  - a\n  - "b: c"\nscript: |\n  one\n  two\nnone: {}\nrows:\n  - x: 1\n    "y": null\n'
    )


def test_records_in_lines() -> None:
    """A heading of all fields, times in ISO 8601, nested values as JSON."""
    records = [{"name": "a", "at": NOW, "tags": ["x"]}, {"name": 'b"', "more": True}]
    assert "".join(written(records, "csv", ("name",))).splitlines() == [
        "name,at,tags,more",
        'a,2026-05-06T12:00:00Z,"[""x""]",',
        '"b""",,,true',
    ]
    assert "".join(written(records, "name", ("name",))) == 'a\nb"\n'
    assert "".join(written({"x": 1}, "jsonl", ())) == '{"x":1}\n'
    assert list(csv_lines(["a"], [])) == ["a\n"]


COLUMNS = (
    Column("id", kind="id"),
    Column("name", cut=True),
    Column("state", kind="state"),
    Column("note", rank=1, cut=True),
    Column("more", rank=2),
)


def row(name: str, note: str = "", more: str = "") -> list[str]:
    return ["01a22027-8b79-774c-b692-9efc13959273", name, "Completed", note, more]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
def test_a_table_fits_a_terminal(width: int) -> None:
    """No line is wider; the id is whole on all of them."""
    rows = [row("a-name-that-goes-on-and-on", "something to say", "x" * 20), row("日本語の名前です日本語の名前です")]
    lines = list(fitted_table(COLUMNS, rows, Terminal(width, colors=False)))
    assert all(width_of(line) <= width for line in lines)
    assert all(rows[0][0] in line for line in lines[1:])
    assert len(lines) == 3


def test_columns_go_by_their_rank_and_come_back() -> None:
    """A column that lost its end has it back when another one went."""
    shown, widths = fit(COLUMNS, [36, 20, 9, 10, 40], 80)
    assert shown == [0, 1, 2, 3]
    assert sum(widths[at] for at in shown) + 2 * 3 <= 80
    assert fit(COLUMNS, [36, 20, 9, 10, 40], 500) == ([0, 1, 2, 3, 4], [36, 20, 9, 10, 40])


def test_an_empty_minor_column_is_left_out_on_a_terminal_alone() -> None:
    """Programs count columns."""
    heading = next(iter(fitted_table(COLUMNS, [row("a")], Terminal(120, colors=False))))
    assert heading.split() == ["ID", "NAME", "STATE"]
    assert next(iter(plain_table(COLUMNS, [row("a")]))).split() == ["ID", "NAME", "STATE", "NOTE", "MORE"]


def test_states_have_colours_where_colours_are() -> None:
    """Good green, bad red; widths are as without."""
    plain = list(fitted_table(COLUMNS, [row("a")], Terminal(80, colors=False)))
    coloured = list(fitted_table(COLUMNS, [row("a")], Terminal(80, colors=True)))
    assert "\x1b[32mCompleted" in coloured[1]
    assert coloured[1].replace("\x1b[32m", "").replace("\x1b[0m", "").split() == plain[1].split()


def test_a_wide_last_column_is_folded() -> None:
    """What may not be cut goes on in the next line."""
    lines = list(fitted_table((Column("a"), Column("b")), [["x", "some words that are long"]], Terminal(20, False)))
    assert [line.rstrip() for line in lines[1:]] == ["x  some words that", "   are long"]


def test_no_color_wins() -> None:
    """Over what is set."""
    assert not Output(Style, {"NO_COLOR": "1"}).style.colors
    assert Output(Style, {}).style.colors


def test_cells() -> None:
    """For people how long ago, for programs when."""
    assert cell(datetime(2026, 5, 6, 11, 57, tzinfo=UTC), "moment", NOW) == "3m"
    assert cell(datetime(2026, 5, 6, 15, 0, tzinfo=UTC), "moment", NOW) == "in 3h"
    assert cell(NOW, "moment") == cell(NOW, "stamp", NOW) == "2026-05-06 12:00:00"
    assert [cell(each, "text") for each in (None, True, ["a", "b"], {}, 1.50)] == ["", "yes", "a, b", "", "1.5"]
    assert [age(NOW.replace(year=year), NOW) for year in (2026, 2025, 2020)] == ["0s", "365d", "6y"]
    assert [duration(each) for each in (0, 1.24, 75, 3725)] == ["", "1.2s", "1m15s", "1h02m05s"]


def test_bodies_are_put_together() -> None:
    """Filters of one noun do not undo each other."""
    assert merged(nested("a.b.any_", ["x"]), nested("a.b.any_", ["y"])) == {"a": {"b": {"any_": ["x", "y"]}}}
    assert merged({"a": {"x": 1}}, {"a": {"y": 2}}) == {"a": {"x": 1, "y": 2}}
