"""What completion knows of commands is that of the commands, and kept as long as these stay as they are."""

import json
from pathlib import Path

import pytest

from podium.cli import words
from podium.cli.words import NOUN, Words
from tests.cli.tree import leaves


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "words.json"


def test_every_command_is_known(file: Path) -> None:
    """With its options, before and after it was kept."""
    known, every = Words(file), list(leaves())
    built = {leaf.words: known.at(leaf.words) for leaf in every}
    known.keep()
    again = Words(file)
    for leaf in every:
        command = again.at(leaf.words)
        assert command is not None
        assert command == built[leaf.words]
        options = [param for param in leaf.command.params if param.param_type_name == "option"]
        assert [each.names for each in command.options] == [[*each.opts, *each.secondary_opts] for each in options]
    assert again.at(["flow-run", "no-such"]) is None


def test_values_are_words_nouns_or_anything(file: Path) -> None:
    """What a choice has, whose names they are, or no telling."""
    known = Words(file)
    ls = known.at(["flow-run", "ls"])
    assert ls is not None
    values = {name: option.values for option in ls.options for name in option.names}
    assert values["--flow"] == f"{NOUN}flow"
    assert values["-o"] == ["table", "json", "jsonl", "csv", "yaml", "name"]
    assert values["--since"] is None
    apply = known.at(["apply"])
    assert apply is not None
    kinds = next(option.values for option in apply.options if "--kind" in option.names)
    assert isinstance(kinds, list)
    assert "deployment" in kinds


def test_nothing_is_kept_of_other_commands(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new version or a changed file makes it all anew; so does a file that is not whole."""
    known = Words(file)
    known.at(["version"])
    known.keep()
    assert list(json.loads(file.read_text())["commands"]) == ["version"]
    assert file.stat().st_mode & 0o077 == 0
    monkeypatch.setattr(words, "_stamp", lambda: "another")
    assert Words(file)._kept == {"stamp": "another", "commands": {}}
    monkeypatch.undo()
    for broken in ("", "[]", '{"stamp": 1}', "{"):
        file.write_text(broken)
        assert Words(file)._kept["commands"] == {}


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    """Is left alone."""
    (tmp_path / "cache").touch()
    known = Words(tmp_path / "cache" / "words.json")
    known.at(["version"])
    known.keep()
