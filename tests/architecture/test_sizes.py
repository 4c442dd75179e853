"""Files and functions stay small enough to read in one go."""

from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, functions, python_files

FILE_LINES = 500
TEST_FILE_LINES = 800
FUNCTION_LINES = 60
EXCEPTIONS: dict[str, str] = {}  # path, or path::function -> why it may be longer


@pytest.mark.parametrize(
    ("folder", "limit"), [("podium", FILE_LINES), ("bench", FILE_LINES), ("tests", TEST_FILE_LINES)]
)
def test_no_file_is_too_long(folder: str, limit: int) -> None:
    """A file fits its limit of lines."""
    sizes = {name(path): len(path.read_text("utf-8").splitlines()) for path in python_files(folder)}
    assert {path: lines for path, lines in sizes.items() if lines > limit and path not in EXCEPTIONS} == {}


def test_no_function_is_too_long() -> None:
    """A function fits on a screen."""
    sizes = {
        f"{name(path)}::{function.name}": (function.end_lineno or 0) - function.lineno + 1
        for path in python_files("podium", "bench", "tests")
        for function in functions(path)
    }
    assert {key: lines for key, lines in sizes.items() if lines > FUNCTION_LINES and key not in EXCEPTIONS} == {}


def test_every_file_says_what_it_is_for() -> None:
    """A module of the package starts with a docstring; an empty __init__ needs none."""
    silent = [
        name(path)
        for path in python_files("podium", "bench")
        if (text := path.read_text("utf-8")) and text[:3] != '"""'
    ]
    assert silent == []


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
