"""`podium notification`: from a wish in one line to a message that arrives."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from podium.cli.diagnostics import ExitCode
from tests.cli.conftest import Podium
from tests.cli.notifying import Sink, slack_block
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for

CHANNEL = "my-slack-webhook"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with its background services."""
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=True) as live:
        yield live


@pytest.fixture(scope="module")
def sink(server: LiveServer) -> Iterator[Sink]:
    """Where the channel goes."""
    with Sink().running() as sink, httpx.Client(base_url=server.url, timeout=20) as api:
        slack_block(api, CHANNEL, sink.url)
        yield sink


@pytest.fixture(autouse=True)
def _address(server: LiveServer, sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_API_URL", server.url)


def create(podium: Podium, *arguments: str) -> dict[str, Any]:
    """What was made."""
    result = podium("notification", "create", *arguments, "-o", "json")
    assert result.code == 0, result.err
    (made,) = json.loads(result.out)
    found: dict[str, Any] = made
    return found


def test_a_wish_in_one_line(podium: Podium, sink: Sink) -> None:
    """Named after what it does, listed, tried, and it arrives in the channel."""
    result = podium("notification", "create", "--tag", "daily-etl", "--on", "failed", "--channel", CHANNEL)
    assert result.code == 0, result.err
    name = f"failed daily-etl to {CHANNEL}"
    head, line = result.out.splitlines()
    assert head.split() == ["NAME", "STATUS", "ON", "ABOUT", "TO", "ID"]
    assert line.startswith(f"{name}  active  Failed  daily-etl  {CHANNEL} ")
    assert line in podium("notification", "ls", "--tag", "daily-etl").out
    tried = podium("notification", "test", name)
    assert (tried.code, tried.err) == (0, "It arrived.\n")
    words = "The fuzzy-leopard run of the daily-etl flow entered a Failed state at 2026-06-27 16:21:37 UTC."
    assert words in tried.out
    assert words in sink.bodies[-1].decode()


def test_flows_deployments_and_pools_are_found_by_their_names(podium: Podium, server: LiveServer) -> None:
    """And shown by them."""
    with httpx.Client(base_url=server.url) as api:
        flow = api.post("/flows/", json={"name": "etl"}).json()["id"]
        pool = api.post("/work_pools/", json={"name": "prod", "type": "process"}).json()["id"]
        body = {"name": "nightly", "flow_id": flow, "work_pool_name": "prod"}
        deployment = api.post("/deployments/", json=body).json()["id"]
    scopes = ["--flow", "etl", "--deployment", "etl/nightly", "--pool", "prod"]
    made = create(
        podium, "scoped", "--on", "late, crashed", "--on", "FAILED", *scopes, "-c", f"slack-webhook/{CHANNEL}"
    )
    assert made["state_names"] == ["Late", "Crashed", "FAILED"]
    assert (made["flow_ids"], made["deployment_ids"], made["work_pool_ids"]) == ([flow], [deployment], [pool])
    shown = podium("notification", "inspect", "scoped").out
    assert "about:      1 flow, 1 deployment, 1 pool\n" in shown
    assert f"deployment  nightly  {deployment}\n" in shown


def test_everything_can_be_changed_by_options(podium: Podium) -> None:
    """An empty one takes away what there was; what is not named stays."""
    made = create(
        podium, "edited", "--on", "any", "--tag", "a", "--email", "a@b.de,c@d.de", "--message", "{{ flow.name }}"
    )
    assert (made["state_names"], made["emails"]) == ([], ["a@b.de", "c@d.de"])
    changes = ("--on", "crashed", "--tag", "", "--email", "", "--channel", CHANNEL, "--message", "", "--name", "other")
    result = podium("notification", "edit", "edited", *changes)
    assert (result.code, result.out) == (0, ""), result.err
    said = "Changed block_document_id, emails, message, name, state_names, tags of notification 'edited'.\n"
    assert result.err == said
    (now,) = json.loads(podium("notification", "ls", "--name", "other", "-o", "json").out)
    assert (now["id"], now["automation_id"]) == (made["id"], made["automation_id"])
    assert (now["state_names"], now["tags"], now["emails"], now["message"]) == (["Crashed"], [], [], None)


def test_pausing_resuming_deleting(podium: Podium) -> None:
    """By name."""
    create(podium, "switched", "--on", "failed", "-c", CHANNEL, "--paused")
    assert podium("notification", "ls", "--paused", "-o", "name").out == "switched\n"
    assert podium("notification", "resume", "switched").err == "Resumed notification 'switched'.\n"
    assert podium("notification", "ls", "--paused", "-o", "name").out == ""
    assert podium("notification", "pause", "switched").code == 0
    assert "switched" not in podium("notification", "ls", "--active", "-o", "name").out
    assert podium("notification", "delete", "switched").code == 0
    assert podium("notification", "inspect", "switched").code == ExitCode.NOT_FOUND


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--channel", CHANNEL], 2, "On which states? Give --on failed"),
        (["--on", "failed"], 2, "Where to? Give --channel (a block) or --email."),
        (["--on", "failed", "--channel", "nope"], 3, "There is no block 'nope'"),
        (["--on", "failed", "--channel", "slack-webhook/nope"], 3, "There is no block 'slack-webhook/nope'"),
        (["--on", "failed", "--channel", CHANNEL, "--flow", "nope"], 3, "There is no flow 'nope'"),
        (["--on", "failed", "--email", "nobody"], 2, "emails.0: Expected an address"),
        (["--on", "failed", "-c", CHANNEL, "-m", "a\n{{ b"], 2, "message: Line 2: unexpected end of template"),
    ],
)
def test_what_is_wrong_is_said(podium: Podium, arguments: list[str], code: int, said: str) -> None:
    """In one line, with the exit code for it."""
    result = podium("notification", "create", "wrong", *arguments)
    assert (result.code, result.out) == (code, "")
    assert result.err.startswith(f"Error: {said}"), result.err


def test_a_name_that_is_taken(podium: Podium) -> None:
    """Is no other's."""
    create(podium, "taken", "--on", "failed", "-c", CHANNEL)
    assert podium("notification", "create", "taken", "--on", "failed", "-c", CHANNEL).code == ExitCode.CONFLICT


def test_a_state_that_nothing_enters_is_asked_about(podium: Podium) -> None:
    """A flow may have states of its own, but most often it is a mistake."""
    result = podium("notification", "create", "typo", "--on", "failled", "-c", CHANNEL)
    assert result.code == 0
    assert "did you mean Failed?" in result.err


def test_what_was_given_up_is_seen_and_sent_again(podium: Podium, sink: Sink) -> None:
    """`test` says why; the list shows it."""
    create(podium, "mail", "--on", "failed", "--email", "a@example.com")
    tried = podium("notification", "test", "mail")
    assert tried.code == ExitCode.FAILURE
    assert tried.err.startswith("Error: It was given up: no mail server is set")
    (dead,) = json.loads(podium("notification", "deliveries", "ls", "--state", "dead", "-o", "json").out)
    assert (dead["kind"], dead["request"]["emails"]) == ("email", ["a@example.com"])
    assert "a@example.com" in podium("notification", "deliveries", "ls", "--channel", "email").out
    assert "no mail server is set" in podium("notification", "deliveries", "inspect", dead["id"]).out
    replayed = podium("notification", "deliveries", "replay", dead["id"])
    assert (replayed.code, replayed.err) == (0, f"Queued delivery {dead['id']!r}.\n")
    assert podium("notification", "deliveries", "delete", dead["id"]).code == 0
    assert podium("notification", "deliveries", "inspect", dead["id"]).code == ExitCode.NOT_FOUND


def until(podium: Podium, arguments: tuple[str, ...], said: str) -> str:
    """What a command prints, once that has a text in it; the services take a moment."""
    end = time.monotonic() + 20
    while said not in (out := podium(*arguments).out) and time.monotonic() < end:
        time.sleep(0.1)
    assert said in out
    return out


def test_a_run_that_fails_is_told_of_and_explained(podium: Podium, server: LiveServer, sink: Sink) -> None:
    """What fired, because of which run, what was done; and what the automation saw and let pass."""
    create(
        podium, "real", "--on", "FAILED", "--tag", "real", "-c", CHANNEL, "-m", "{{ flow_run.name }} of {{ flow.name }}"
    )
    third = {
        "name": "third",
        "trigger": {
            "type": "event",
            "posture": "Reactive",
            "expect": ["prefect.flow-run.Failed"],
            "threshold": 3,
            "within": 60,
        },
        "actions": [{"type": "do-nothing"}],
    }
    assert podium("automation", "create", "-j", json.dumps(third)).code == 0
    with httpx.Client(base_url=server.url, timeout=20) as api:
        flow = api.post("/flows/", json={"name": "real-etl"}).json()["id"]
        for tags in (["real"], ["other"]):
            body = {"flow_id": flow, "name": f"{tags[0]}-run", "tags": tags, "state": {"type": "FAILED"}}
            assert api.post("/flow_runs/", json=body).status_code == 201
    out = until(podium, ("automation", "explain", "real"), "send-notification executed")
    assert "prefect.flow-run.Failed of real-run" in out
    assert "other-run" not in out
    assert sum(b"real-run of real-etl" in body for body in sink.bodies) == 1
    explained = podium("automation", "explain", "third")
    assert "Too few events so far (count: 2, threshold: 3" in explained.out
    assert explained.err.startswith("'third' waits for 3 times prefect.flow-run.Failed within 60s. It has not fired.")


def test_one_does_not_wait_for_ever(podium: Podium, sink: Sink) -> None:
    """Where the channel is away the code is that of a time-out, and the command to look again is named."""
    create(podium, "away", "--on", "failed", "-c", CHANNEL)
    sink.status = 503
    try:
        tried = podium("notification", "test", "away", "--timeout", "0.5")
    finally:
        sink.status = 200
    assert tried.code == ExitCode.TIMEOUT, tried.err
    assert tried.err.startswith("Error: It has not arrived after 0.5 s")
    assert "`podium notification deliveries inspect " in tried.err
