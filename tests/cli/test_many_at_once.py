"""Acting on many: by filters, names or stdin, with a preview, a count and a question."""

import io
import json
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Podium
from tests.server.conftest import LiveServer


@pytest.fixture
def api(server: LiveServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30, follow_redirects=True) as client:
        yield client


@pytest.fixture
def runs(api: httpx.Client, monkeypatch: pytest.MonkeyPatch, server: LiveServer) -> list[str]:
    """The ids of a dozen scheduled runs of a flow of their own."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    api.post("/flow_runs/bulk_delete", json={})
    flow = api.post("/flows/", json={"name": "bulk"}).json()["id"]
    body = {"flow_id": flow, "state": {"type": "SCHEDULED"}, "tags": ["t"]}
    return [api.post("/flow_runs/", json={**body, "name": f"bulk-{n}"}).json()["id"] for n in range(12)]


def states(api: httpx.Client) -> list[str]:
    return [run["state_type"] for run in api.post("/flow_runs/filter", json={"sort": "NAME_ASC"}).json()]


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_dry_run_shows_and_does_nothing(podium: Podium, api: httpx.Client, runs: list[str]) -> None:
    """The list on stdout, the count on stderr."""
    shown = podium("flow-run", "cancel", "--flow", "bulk", "--dry-run", "-o", "name")
    assert (shown.code, sorted(shown.out.split())) == (0, sorted(runs))
    assert shown.err == "Would cancel 12 flow runs.\n"
    assert set(states(api)) == {"SCHEDULED"}


def test_what_filters_select_needs_a_yes(podium: Podium, api: httpx.Client, runs: list[str]) -> None:
    """Where nobody is there to ask, --yes; the preview names ten and the question counts."""
    refused = podium("flow-run", "cancel", "--flow", "bulk")
    assert (refused.code, refused.out) == (2, "")
    assert "… and 2 more\n" in refused.err
    assert "Cancel 12 flow runs? There is no terminal to ask on; give --yes." in refused.err
    assert set(states(api)) == {"SCHEDULED"}
    done = podium("flow-run", "cancel", "--flow", "bulk", "--yes")
    assert (done.code, done.out, done.err) == (0, "", "Cancelled 12 flow runs of 12.\n")
    assert set(states(api)) == {"CANCELLED"}


def test_named_ones_are_done_at_once(podium: Podium, api: httpx.Client, runs: list[str]) -> None:
    """By name or id, several, or from stdin; each is told."""
    done = podium("flow-run", "delete", "bulk-0", runs[1], "-o", "jsonl")
    assert done.code == 0
    assert [json.loads(line)["result"] for line in done.out.splitlines()] == ["done", "done"]
    assert done.err == "Deleted flow run 'bulk-0'.\nDeleted flow run 'bulk-1'.\n"
    assert len(states(api)) == 10


def test_names_on_stdin(podium: Podium, api: httpx.Client, runs: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """As `ls -o name` writes them; none is nothing to do."""
    listed = podium("flow-run", "ls", "--flow", "bulk", "--limit", "5", "-o", "name").out
    typed(monkeypatch, listed)
    assert podium("flow-run", "delete", "--yes", "-").code == 0
    assert len(states(api)) == 7
    typed(monkeypatch, "")
    assert podium("flow-run", "delete", "-") == (0, "", "")


def test_failures_do_not_stop_the_rest(podium: Podium, api: httpx.Client, runs: list[str]) -> None:
    """The exit code is that of the failures, if they are of one kind."""
    missing = podium("flow-run", "cancel", "nobody", "bulk-1")
    assert missing.code == 3
    assert "There is no flow run 'nobody'; `podium flow-run ls` lists them." in missing.err
    again = podium("flow-run", "cancel", "bulk-1", "bulk-2")
    assert again.code == 6
    assert "flow run 'bulk-1': the run is Cancelled already" in again.err
    both = podium("flow-run", "cancel", "nobody", "bulk-1", "bulk-3")
    assert both.code == 1
    assert sorted(set(states(api))) == ["CANCELLED", "SCHEDULED"]
    assert states(api).count("CANCELLED") == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Which flow runs? Give ID|NAME, a filter such as --state, or --all."),
        (["bulk-1", "--state", "late"], "Name flow runs or choose them with filters, not both."),
        (["--since", "someday"], "--since: 'someday' is no moment"),
        (["--state-type", "late"], "'late' is not a type of state"),
    ],
)
def test_what_is_not_clear_is_not_done(podium: Podium, runs: list[str], arguments: list[str], said: str) -> None:
    """A mistake of usage, in one line."""
    refused = podium("flow-run", "cancel", *arguments, "--yes")
    assert (refused.code, refused.out) == (2, "")
    assert said in refused.err


def test_nothing_found_is_said_once(podium: Podium, runs: list[str]) -> None:
    """With the word that may be the reason: a state may have any name, so that none is refused."""
    assert podium("flow-run", "cancel", "nobody").err.count("\n") == 1
    typo = podium("flow-run", "cancel", "--state", "shceduled", "--yes")
    said = "There are no such flow runs.\nDid you mean --state scheduled by shceduled?\n"
    assert (typo.code, typo.err) == (0, said)
    assert podium("flow-run", "cancel", "--state", "failed", "--yes").err == "There are no such flow runs.\n"


def test_retrying_needs_somebody_to_run_it(podium: Podium, runs: list[str]) -> None:
    """A run without a deployment, or one that goes on, is not retried."""
    assert podium("flow-run", "retry", "bulk-1").code == 6
    assert podium("flow-run", "cancel", "bulk-1").code == 0
    refused = podium("flow-run", "retry", "bulk-1")
    assert refused.code == 6
    assert "has no deployment" in refused.err


def test_patterns_and_pages(podium: Podium, runs: list[str]) -> None:
    """A name, a part of one, a pattern; a page after the other."""

    def names(*arguments: str) -> list[str]:
        found = json.loads(podium("flow-run", "ls", "--sort", "name", "-o", "json", *arguments).out)
        return [run["name"] for run in found]

    assert names("--name", "bulk-1*") == ["bulk-1", "bulk-10", "bulk-11"]
    assert names("--name", "bulk-?") == [f"bulk-{n}" for n in range(10)]
    assert names("--name", "K-3") == ["bulk-3"]
    assert names("--limit", "5", "--page", "3") == names()[10:12]
    assert names("--name", "bulk-*", "--limit", "2", "--page", "2") == names()[2:4]
    assert names("--tag", "t", "--tag", "u") == []


def test_pools_are_paused_together(
    podium: Podium, api: httpx.Client, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And resumed; a filter the server does not have works as well."""
    for name in ("east", "west"):
        api.post("/work_pools/", json={"name": name, "type": "process"})
    assert podium("work-pool", "pause", "--all", "--yes").code == 0
    paused: list[Any] = json.loads(podium("work-pool", "ls", "--paused", "-o", "json").out)
    assert [pool["name"] for pool in paused] == ["east", "west"]
    assert podium("work-pool", "resume", "--name", "w*", "--yes").code == 0
    assert podium("work-pool", "ls", "--active", "-o", "name").out == "west\n"
