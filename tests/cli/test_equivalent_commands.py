"""The commands that the dashboard shows do the same as the dashboard: each is run and the result looked at."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from podium.client.api import Client
from podium.client.nouns.command_lines import changing, creating, line, pairs
from podium.client.nouns.editing import make, send, values_of
from podium.client.nouns.noun import Noun, joined
from podium.client.nouns.registry import noun_of
from tests.cli.conftest import Podium
from tests.cli.garden import plant
from tests.server.conftest import LiveServer

EDITS: list[tuple[str, dict[str, Any], str]] = [
    ("variable", {"value": "5"}, "edit"),
    ("variable", {"value": {"a": [1, None]}, "tags": ["eu", "two words"]}, "edit"),
    ("variable", {"value": "@file"}, "edit"),
    ("variable", {"tags": []}, "api"),
    ("work-pool", {"description": "it's 100 %", "concurrency_limit": None}, "edit"),
    ("work-pool", {"is_paused": True}, "api"),
    ("work-pool", {"description": "@home"}, "api"),
    ("work-queue", {"priority": 2, "concurrency_limit": 7, "description": "über"}, "edit"),
    ("work-queue", {"is_paused": True, "concurrency_limit": None}, "api"),
    ("global-concurrency-limit", {"limit": 9, "active": False, "slot_decay_per_second": 0.5}, "edit"),
    ("global-concurrency-limit", {"active": True}, "edit"),
    ("global-concurrency-limit", {"name": "api-calls-2"}, "api"),
    ("concurrency-limit", {"concurrency_limit": 12}, "edit"),
    ("deployment", {"parameters": {"day": "5", "n": 5, "none": None}, "tags": ["a"]}, "edit"),
    ("deployment", {"parameters": {}, "enforce_parameter_schema": False}, "api"),
    ("deployment", {"description": "nightly", "job_variables": {"env": {"A": "1"}}}, "edit"),
    ("flow-run", {"name": "renamed run", "tags": ["x"]}, "edit"),
    ("notification", {"state_names": ["Failed", "Late"], "tags": ["a"], "subject": "{{ flow.name }}"}, "edit"),
    ("notification", {"tags": []}, "edit"),
    ("notification", {"enabled": False}, "api"),
    ("webhook", {"description": "all pushes"}, "edit"),
    ("webhook", {"enabled": False}, "api"),
    ("automation", {"description": "why", "tags": ["eu", "us"]}, "edit"),
    ("block", {"value": "another"}, "edit"),
]
MAKES: list[tuple[str, dict[str, Any], str]] = [
    ("variable", {"name": "made", "value": -5, "tags": ["x"]}, "set"),
    ("variable", {"name": "made", "value": "a b", "tags": []}, "set"),
    ("work-pool", {"name": "made", "concurrency_limit": 3, "is_paused": True}, "create"),
    ("work-pool", {"name": "made", "type": "podium", "base_job_template": {}}, "api"),
    ("work-queue", {"name": "made", "pool": "pool", "priority": 1, "description": "first"}, "create"),
    ("global-concurrency-limit", {"name": "made", "limit": 4, "active": False}, "create"),
    ("concurrency-limit", {"tag": "made", "concurrency_limit": 4}, "create"),
]


@pytest.fixture(scope="module")
def planted(server: LiveServer) -> dict[str, str]:
    return plant(server.url)


@pytest.fixture
def client(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    with Client(server.url) as client:
        yield client


def now(client: Client, noun: Noun, given: str) -> dict[str, Any]:
    """The fields as they are; a trigger gets another id with each change."""
    values = values_of(noun, noun.find(client, given))
    if isinstance(values.get("trigger"), dict):
        values["trigger"] = {name: value for name, value in values["trigger"].items() if name != "id"}
    return values


def run(podium: Podium, words: list[str]) -> None:
    result = podium(*words)
    assert result.code == 0, (words, result.err)


@pytest.mark.parametrize(("name", "changes", "verb"), EDITS, ids=[f"{name} {list(to)}" for name, to, _ in EDITS])
def test_an_edit_and_its_command_do_the_same(
    podium: Podium,
    client: Client,
    planted: dict[str, str],
    name: str,
    changes: dict[str, Any],
    verb: str,
    tmp_path: Any,
) -> None:
    noun = noun_of(name)
    row = noun.find(client, planted[name])
    before, as_it_was = values_of(noun, row), now(client, noun, row.id)
    words = changing(noun, row, joined(client, noun, [row]), before, changes)
    assert verb in words[:3]
    if name == "block":
        assert "another" not in line(words)
        (tmp_path / "secret").write_text("another")
        words = [word.replace("@FILE", f"@{tmp_path / 'secret'}") for word in words]
    run(podium, words)
    by_command = now(client, noun, row.id)
    send(client, noun, row, before)
    assert now(client, noun, row.id) == as_it_was
    send(client, noun, row, changes)
    assert now(client, noun, row.id) == by_command
    if name != "block":
        assert {**by_command, **changes} == by_command
    send(client, noun, row, before)


@pytest.mark.parametrize(("name", "given", "verb"), MAKES, ids=[f"{name} {list(to)}" for name, to, _ in MAKES])
def test_a_new_one_and_its_command_are_the_same(
    podium: Podium, client: Client, planted: dict[str, str], name: str, given: dict[str, Any], verb: str
) -> None:
    noun = noun_of(name)
    assert noun.creates is not None
    values = {**noun.creates.template, **given}
    words = creating(noun, values)
    assert verb in words[:3]
    reference = "pool/made" if name == "work-queue" else "made"
    shown = []
    for way in (lambda: run(podium, words), lambda: make(client, noun, values)):
        way()
        row = noun.find(client, reference)
        told = json.loads(podium(*name.split(), "inspect", reference, "-o", "json").out)
        shown.append({key: value for key, value in told.items() if key not in ("id", "created", "updated", "queues")})
        noun.action("delete").run(client, row)
    ours = [{key: value for key, value in each.items() if not key.endswith("_id")} for each in shown]
    assert ours[0] == ours[1]


def test_parameters_are_written_as_they_are_read() -> None:
    values = {"text": "plain", "five": "5", "n": 5, "none": None, "empty": "", "at": "@x", "list": ["a b"]}
    assert line(pairs("--param", values)) == (
        "podium --param text=plain --param 'five=\"5\"' --param n=5 --param none=null --param 'empty=\"\"' "
        "--param 'at=\"@x\"' --param 'list=[\"a b\"]'"
    )
    assert line(["variable", "ls"], "prod") == "podium --profile prod variable ls"
