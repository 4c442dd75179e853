"""What artifacts hold, read for a terminal."""

import pytest

from podium.tui.artifact_data import Grid, grid_of, is_link, links_in, progress_bar, rows_of, text_of


@pytest.mark.parametrize(
    "data",
    [
        '[{"name": "a", "rows": 1}, {"name": "b", "late": true}]',
        [{"name": "a", "rows": 1}, {"name": "b", "late": True}],
    ],
)
def test_a_table_of_records_has_every_name_as_a_head(data: object) -> None:
    assert grid_of(data, 10) == Grid(("name", "rows", "late"), [("a", "1", ""), ("b", "", "true")])


def test_a_table_of_columns_and_one_of_lists() -> None:
    assert grid_of('{"a": [1, 2], "b": ["x"]}', 10) == Grid(("a", "b"), [("1", "x"), ("2", "")])
    assert grid_of([[1, None], [2.5, {"k": [1]}]], 10) == Grid((), [("1", ""), ("2.5", '{"k":[1]}')])


def test_only_so_many_rows_of_a_table_are_read() -> None:
    data = [{"n": number} for number in range(500)]
    grid = grid_of(data, 20)
    assert grid is not None
    assert len(grid.rows) == 20
    assert rows_of(data) == 500


@pytest.mark.parametrize("data", ["plain text", None, 7, "[not json", [1, [2]], '"text"'])
def test_what_is_no_table(data: object) -> None:
    assert grid_of(data, 10) is None


def test_progress_is_a_bar_with_a_number() -> None:
    assert progress_bar(42.5, 20) == "████████▌░░░░░░░░░░░ 42.5 %"
    assert progress_bar("100", 4) == "████ 100 %"
    assert progress_bar(250, 4) == "████ 100 %"
    for wrong in ("half", None, []):
        with pytest.raises(ValueError, match=r".+"):
            progress_bar(wrong, 4)


def test_links_of_a_text_are_found_once_each() -> None:
    text = "See [the report](https://a.example/r?x=1) and ![plot](<https://a.example/p.png>) or <https://b.example>, [it](https://a.example/r?x=1)."
    assert links_in(text) == [
        ("the report", "https://a.example/r?x=1"),
        ("plot", "https://a.example/p.png"),
        ("", "https://b.example"),
    ]
    assert is_link(" [the report](https://a.example) ")
    assert not is_link(text)


def test_anything_else_is_json_over_lines() -> None:
    assert text_of({"a": [1]}) == '{\n  "a": [\n    1\n  ]\n}'
    assert text_of("as it is") == "as it is"
