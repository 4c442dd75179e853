"""`podium automation`: what users of `prefect automation` know, and more."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from podium.cli.diagnostics import ExitCode
from tests.cli.conftest import Podium
from tests.server.conftest import LiveServer

YAML = """\
automations:
- name: restart-crashed
  description: Runs it once more.
  trigger:
    type: event
    posture: Reactive
    match: {prefect.resource.id: prefect.flow-run.*}
    expect: [prefect.flow-run.Crashed]
    threshold: 3
    within: 60
  actions:
  - type: do-nothing
- name: silent
  tags: [night]
  trigger:
    {type: event, posture: Proactive, after: [backup.started], expect: [backup.done], within: 3600}
  actions: [{type: do-nothing}]
"""
ONE = {"name": "one", "trigger": {"type": "event", "posture": "Reactive"}, "actions": [{"type": "do-nothing"}]}


@pytest.fixture(autouse=True)
def _address(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_API_URL", server.url)


@pytest.fixture(autouse=True)
def _none_left(podium: Podium) -> Iterator[None]:
    yield
    podium("automation", "delete", "--all", "--yes")


def test_a_file_of_yaml_makes_several(podium: Podium) -> None:
    """And the list says in a few words what each waits for."""
    Path("automations.yaml").write_text(YAML)
    made = podium("automation", "create", "-f", "automations.yaml")
    assert made.code == 0, made.err
    lines = made.out.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "TRIGGER", "ACTIONS", "TAGS", "ID"]
    assert "active  3 times prefect.flow-run.Crashed within 60s" in lines[1]
    assert "active  no backup.done within 3600s after backup.started" in lines[2]
    assert [each["name"] for each in json.loads(podium("automation", "ls", "-o", "json").out)] == [
        "restart-crashed",
        "silent",
    ]
    assert "silent" in podium("automation", "ls", "--tag", "night").out
    assert "silent" not in podium("automation", "ls", "--name", "crash*").out


@pytest.mark.parametrize("kind", ["object", "list", "wrapped", "text", "lines"])
def test_json_comes_in_every_shape(podium: Podium, kind: str) -> None:
    """An object, a list, a list under `automations`, as text, or a line each."""
    shapes = {"list": [ONE], "wrapped": {"automations": [ONE]}}
    if kind == "text":
        result = podium("automation", "create", "--from-json", json.dumps(ONE), "-o", "name")
    else:
        suffix = "jsonl" if kind == "lines" else "json"
        Path(f"file.{suffix}").write_text(json.dumps(shapes.get(kind, ONE)))
        result = podium("automation", "create", "--from-file", f"file.{suffix}", "-o", "name")
    assert result.code == 0, result.err
    assert podium("automation", "ls", "-o", "name").out == result.out


def test_one_is_found_by_name_and_by_id_unless_several_have_the_name(podium: Podium) -> None:
    """Then by id alone; the flags of `prefect automation inspect` do what they do there."""
    text = json.dumps(ONE)
    first = podium("automation", "create", "-j", text, "-o", "name").out.strip()
    assert json.loads(podium("automation", "inspect", "one", "--json").out)["id"] == first
    assert podium("automation", "inspect", "--id", first, "--yaml").out.startswith("id: ")
    shown = podium("automation", "inspect", "one").out
    assert "trigger:         any event\n" in shown
    podium("automation", "create", "-j", text)
    several = podium("automation", "inspect", "one")
    assert (several.code, "There are several automations named 'one'" in several.err) == (ExitCode.NOT_FOUND, True)
    assert podium("automation", "inspect", first).code == 0
    assert podium("automation", "inspect", "nope").code == ExitCode.NOT_FOUND


def test_pausing_and_resuming(podium: Podium) -> None:
    """Also by the other words for it, which help does not list."""
    podium("automation", "create", "-j", json.dumps(ONE))
    for verb, paused in (("pause", True), ("resume", False), ("disable", True), ("enable", False)):
        assert podium("automation", verb, "one").code == 0
        assert ("paused" in podium("automation", "ls").out) is paused
    assert "disable" not in podium("automation", "--help").out
    assert podium("automation", "delete", "one").err == "Deleted automation 'one'.\n"


def test_an_update_changes_what_is_in_the_file(podium: Podium) -> None:
    """All else stays."""
    made = podium("automation", "create", "-j", json.dumps({**ONE, "tags": ["t"]}), "-o", "name").out.strip()
    result = podium("automation", "update", "--id", made, "--from-json", '{"name": "two", "description": "d"}')
    assert (result.code, result.err) == (0, "Changed description, name of automation 'one'.\n")
    now = json.loads(podium("automation", "inspect", made, "-o", "json").out)
    assert (now["id"], now["name"], now["description"], now["tags"]) == (made, "two", "d", ["t"])
    assert podium("automation", "edit", "two").code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.json", '{"name": ', "--from-file: a.json is not JSON"),
        ("a.yaml", "a: b\n  - c: [\n", "--from-file: line 2 of a.yaml is not YAML: "),
        ("a.jsonl", '{"a": 1}\n{\n', "--from-file: line 2 of a.jsonl is not JSON"),
        ("a.json", "[]", "Expected an automation"),
        ("a.json", "5", "Expected an automation"),
        ("a.json", '{"name": "x"}', "trigger: Field required"),
    ],
)
def test_a_file_that_is_none_is_refused(podium: Podium, name: str, text: str, said: str) -> None:
    """With its name and line."""
    Path(name).write_text(text)
    result = podium("automation", "create", "-f", name)
    assert (result.code, result.out) == (ExitCode.USAGE, "")
    assert result.err.startswith(f"Error: {said}"), result.err


def test_one_that_is_wrong_among_several_keeps_none_from_being_made(podium: Podium) -> None:
    """It is told of by its name, and the code says that something failed."""
    Path("a.json").write_text(json.dumps([ONE, {"name": "wrong"}, {**ONE, "name": "other"}]))
    result = podium("automation", "create", "-f", "a.json", "-o", "json")
    assert result.code == ExitCode.USAGE
    assert result.err == "Error: automation 'wrong': trigger: Field required\n"
    assert [each["name"] for each in json.loads(result.out)] == ["one", "other"]


def test_one_source_is_needed(podium: Podium) -> None:
    """A file, or a text."""
    for arguments in ([], ["-f", "x", "-j", "{}"]):
        assert podium("automation", "create", *arguments).code == ExitCode.USAGE


CRASHES = [
    {"event": "prefect.flow-run.Crashed", "resource": {"prefect.resource.id": f"prefect.flow-run.{number}"}}
    for number in range(4)
]


def test_one_is_tried_on_events(podium: Podium) -> None:
    """What would fire, because of what, and why the rest would not; nothing is stored."""
    Path("automation.yaml").write_text(YAML.partition("- name: silent")[0])
    Path("events.jsonl").write_text("\n".join(map(json.dumps, CRASHES)))
    result = podium("automation", "test", "automation.yaml", "--events", "events.jsonl")
    assert result.code == 0, result.err
    assert result.err == "'restart-crashed' would fire once.\n"
    assert "prefect.flow-run.Crashed of prefect.flow-run.2" in result.out
    assert "Too few events so far (count: 2, threshold: 3" in result.out
    told = json.loads(podium("automation", "test", "automation.yaml", "-e", "events.jsonl", "-o", "json").out)
    (firing,) = told["firings"]
    assert firing["actions"][0]["action"]["type"] == "do-nothing"
    records = podium("automation", "test", "automation.yaml", "-e", "events.jsonl", "-o", "jsonl").out.splitlines()
    assert [json.loads(each)["what"] for each in records][:2] == ["fired", "refused"]
    assert podium("automation", "ls", "-o", "name").out == ""


def test_time_may_pass_after_the_last_event(podium: Podium) -> None:
    """So that the absence of one is seen; events of a server come in the order in which it got them."""
    Path("silent.json").write_text(
        json.dumps(
            {
                "name": "silent",
                "trigger": {
                    "type": "event",
                    "posture": "Proactive",
                    "after": ["backup.started"],
                    "expect": ["backup.done"],
                    "within": 60,
                },
                "actions": [{"type": "do-nothing"}],
            }
        )
    )
    started = {"event": "backup.started", "occurred": "2026-05-06T07:00:00Z", "resource": {"prefect.resource.id": "b"}}
    Path("events.json").write_text(json.dumps({"events": [started]}))
    early = podium("automation", "test", "silent.json", "-e", "events.json", "--now", "2026-05-06T07:00:30Z")
    assert early.err == "'silent' would not fire.\n"
    late = podium("automation", "test", "silent.json", "-e", "events.json", "--now", "2026-05-06T07:05:00Z")
    assert late.err == "'silent' would fire once.\n", late.out


def test_what_cannot_be_tried_is_refused(podium: Podium) -> None:
    """A file of several, and one that has no events."""
    Path("automations.yaml").write_text(YAML)
    Path("one.json").write_text(json.dumps(ONE))
    Path("events.json").write_text("[1]")
    assert podium("automation", "test", "automations.yaml", "-e", "events.json").code == ExitCode.USAGE
    assert podium("automation", "test", "one.json", "-e", "events.json").code == ExitCode.USAGE
    assert podium("automation", "test", "one.json", "-e", "nowhere.json").code == ExitCode.USAGE


def test_one_that_saw_nothing_says_so(podium: Podium) -> None:
    """With what it waits for."""
    podium("automation", "create", "-j", json.dumps({**ONE, "enabled": False}))
    result = podium("automation", "explain", "one")
    assert (result.code, result.out) == (0, "")
    said = "'one' waits for any event. It is paused. It has not fired. No event concerned it yet.\n"
    assert result.err == said
    assert json.loads(podium("automation", "explain", "one", "-o", "json").out) == {"firings": [], "refusals": []}
