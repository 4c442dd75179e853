"""What holds for every command there is."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from podium.cli.diagnostics import MEANINGS, ExitCode
from podium.client.nouns.noun import Noun, endpoint
from podium.client.nouns.registry import NOUNS, noun_of
from tests.cli.conftest import Podium
from tests.cli.garden import plant
from tests.cli.tree import Leaf, leaves
from tests.server.conftest import LiveServer

ROOT = Path(__file__).parents[2]
LEAVES = list(leaves())
WITHOUT_FORMAT = {
    "server start": "it goes on until it is stopped",
    "server services start": "it goes on until it is stopped",
    "worker start": "it goes on until it is stopped",
    "run": "its stdout is that of the command it runs",
}
FORMATS = ("json", "jsonl", "csv", "yaml", "name")


@pytest.fixture(scope="module")
def known(server: LiveServer) -> dict[str, str]:
    """By its noun, one of everything."""
    return plant(server.url)


@pytest.fixture
def seeded(podium: Podium, server: LiveServer, known: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Podium:
    """`podium` against that server."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    return podium


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.name)
def test_help_has_an_example_and_a_format(podium: Podium, leaf: Leaf) -> None:
    """The example calls the command itself or one beside it; the lines fit 80 columns."""
    shown = podium(*leaf.words, "--help")
    assert (shown.code, shown.err) == (0, "")
    assert re.search(r"^  Examples?:\n    .*podium ", shown.out, re.MULTILINE), shown.out
    assert f"podium {leaf.words[0]}" in shown.out or "podium gcl" in shown.out
    assert ("--output" in leaf.options) != (leaf.name in WITHOUT_FORMAT)
    usage = shown.out.partition("Example")[0]
    assert [line for line in usage.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("leaf", LEAVES, ids=lambda leaf: leaf.name)
def test_an_option_that_is_not_there_is_a_mistake_of_usage(podium: Podium, leaf: Leaf) -> None:
    """In one line on stderr."""
    wrong = podium(*leaf.words, "--no-such-option")
    assert (wrong.code, wrong.out) == (2, "")
    assert wrong.err.startswith("Error: ")
    assert wrong.err.count("\n") == 1


def words_of(noun: str) -> list[str]:
    return {"block-type": ["block", "type"], "delivery": ["notification", "deliveries"]}.get(noun, [noun])


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_is_listed_and_shown_in_every_format(seeded: Podium, known: dict[str, str], noun: str) -> None:
    """What is listed parses, holds the thing that is there, and its `name` is what `inspect` takes."""
    for verb, arguments in (("ls", []), ("inspect", [known[noun]])):
        table = seeded(*words_of(noun), verb, *arguments)
        assert (table.code, table.err) == (0, "")
        assert "\x1b" not in table.out
        for output in FORMATS:
            found = seeded(*words_of(noun), verb, *arguments, "-o", output)
            assert (found.code, found.err) == (0, ""), output
            check_parses(output, found.out)
    name = seeded(*words_of(noun), "inspect", known[noun], "-o", "name").out.strip()
    assert name in seeded(*words_of(noun), "ls", "-o", "name", "--limit", "0").out.splitlines()
    assert seeded(*words_of(noun), "inspect", name, "-o", "name").out.strip() == name


def check_parses(output: str, text: str) -> None:
    assert text
    if output == "json":
        json.loads(text)
    elif output == "jsonl":
        for line in text.splitlines():
            json.loads(line)
    elif output == "yaml":
        yaml.safe_load(text)
    elif output == "csv":
        heading, *rows = csv.reader(io.StringIO(text))
        assert heading
        assert {len(row) for row in rows} <= {len(heading)}


@pytest.mark.parametrize("noun", NOUNS)
def test_yaml_and_json_say_the_same(seeded: Podium, known: dict[str, str], noun: str) -> None:
    """Whatever the values are."""
    as_json = json.loads(seeded(*words_of(noun), "inspect", known[noun], "-o", "json").out)
    assert yaml.safe_load(seeded(*words_of(noun), "inspect", known[noun], "-o", "yaml").out) == as_json
    assert json.loads(seeded(*words_of(noun), "inspect", known[noun], "-o", "jsonl").out) == as_json


SAMPLES = {
    "state": "failed",
    "state_type": "failed",
    "since": "2026-01-01",
    "until": "tomorrow",
    "status": "online",
    "resource": "backup.*",
    "text": "finished",
    "delivery state": "dead",
    "delivery channel": "email",
    "delivery kind": "email",
}
"""What is given for a filter, of any noun or of one."""


@pytest.mark.parametrize("noun", NOUNS)
def test_every_filter_and_order_of_a_noun_is_one_the_server_knows(
    seeded: Podium, known: dict[str, str], noun: str
) -> None:
    """No option is refused."""
    row = noun_of(noun)
    for each in row.filters:
        flag = each.flags[0].partition("/")[0]
        value = SAMPLES.get(f"{noun} {each.key}") or SAMPLES.get(each.key) or known.get(each.noun) or "etl"
        if each.key == "parent":
            value = known["flow-run"]
        found = seeded(*words_of(noun), "ls", flag, *([] if each.kind == "flag" else [value]), "-o", "json")
        assert (found.code, found.err) == (0, ""), flag
        json.loads(found.out)
    for order in row.sorts or [column.name for column in row.columns]:
        found = seeded(*words_of(noun), "ls", "--sort", order, "-o", "name")
        assert (found.code, found.err) == (0, ""), order


@pytest.mark.parametrize("noun", NOUNS)
def test_what_is_not_there_is_not_found(seeded: Podium, noun: str) -> None:
    """With its own exit code, by name and by id, and a line that says where to look."""
    for wanted in ("no-such-thing", "01a22027-ffff-7777-8888-999999999999"):
        missing = seeded(*words_of(noun), "inspect", wanted)
        assert (missing.code, missing.out) == (3, ""), wanted
        assert missing.err.count("\n") == 1


@pytest.mark.parametrize("noun", NOUNS)
def test_the_endpoints_of_a_noun_exist(noun: str) -> None:
    """They are named, to be imported when they are called."""
    row: Noun = noun_of(noun)
    assert all(endpoint(name).path for name in (row.list, *(join.endpoint for join in row.joins)))
    assert row.name == noun
    verbs = {leaf.words[-1]: leaf for leaf in LEAVES if list(leaf.words[:-1]) == words_of(noun)}
    assert {"ls", "inspect", *(action.name for action in row.actions)} <= set(verbs)


def test_the_guide_names_every_noun() -> None:
    """Those below others in brackets."""
    guide = (ROOT / "docs" / "cli.md").read_text("utf-8").partition("## Choosing")[0]
    assert [noun for noun in NOUNS if f"`{words_of(noun)[-1]}`" not in guide] == []


def test_exit_codes_are_one_table() -> None:
    """That of the code, of `podium help exit-codes` and of the guide."""
    guide = (ROOT / "docs" / "cli.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \| ([a-z ]+) \| (.+) \|$", guide, re.MULTILINE)
    wanted = [(str(int(code)), code.name.lower().replace("_", " "), MEANINGS[code]) for code in ExitCode]
    assert rows == wanted


def test_help_on_exit_codes(podium: Podium) -> None:
    """As people and programs read it."""
    shown: list[Any] = json.loads(podium("help", "exit-codes", "-o", "json").out)
    assert [row["code"] for row in shown] == [int(code) for code in ExitCode]
    for topic in ("environment", "formatting"):
        assert podium("help", topic).code == 0
    assert "exit-codes" in podium("help").out
