"""`podium webhook`: a URL that others call."""

import json
from pathlib import Path

import httpx
import pytest

from podium.cli.diagnostics import ExitCode
from tests.cli.conftest import Podium
from tests.server.conftest import LiveServer

GITHUB = """\
{
  "event": "github.{{ headers['X-GitHub-Event'] }}",
  "resource": {"prefect.resource.id": "github.repository.{{ body.repository }}"}
}
"""


@pytest.fixture(autouse=True)
def _address(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_API_URL", server.url)


def test_from_a_template_to_an_event(podium: Podium, server: LiveServer) -> None:
    """The URL is shown once, alone on stdout; what calls became is seen."""
    Path("github.jinja").write_text(GITHUB)
    made = podium("webhook", "create", "github", "--template", "@github.jinja", "--description", "pushes")
    assert made.code == 0, made.err
    url = made.out.strip()
    assert made.out == f"{url}\n"
    assert url.startswith(f"{server.url}/hooks/")
    assert "not shown again" in made.err
    call = {"json": {"repository": "podium"}, "headers": {"X-GitHub-Event": "push"}}
    assert httpx.post(url, **call).status_code == 200
    assert httpx.post(url, json={}, headers={"X-GitHub-Event": "x" * 2000}).status_code == 422
    shown = podium("webhook", "inspect", "github").out
    assert url.rpartition("/")[2] not in shown
    assert "github.push  " in shown
    assert "github.repository.podium\n" in shown
    assert "prefect.webhook.failed" in shown
    assert podium("webhook", "ls", "-o", "name").out == "github\n"


def test_a_call_is_tried_without_one(podium: Podium) -> None:
    """With the stored template or another; nothing is stored."""
    podium("webhook", "create", "tried")
    Path("call.json").write_text('{"repository": "podium"}')
    arguments = ("webhook", "test", "tried", "--body", "@call.json", "-H", "X-GitHub-Event=push", "--query", "a=1")
    event = json.loads(podium(*arguments).out)
    assert event["payload"] == {"method": "POST", "query": {"a": "1"}, "body": {"repository": "podium"}}
    event = json.loads(podium(*arguments, "--template", GITHUB).out)
    assert event["resource"] == {"prefect.resource.id": "github.repository.podium"}
    broken = podium(*arguments, "--template", '{"event": 1}')
    assert (broken.code, broken.err) == (2, "Error: The template says no 'resource'.\n")
    assert "podium" not in podium("webhook", "inspect", "tried", "-o", "jsonl").out


def test_rotating_pausing_editing_deleting(podium: Podium) -> None:
    """The old URL is none any more."""
    first = podium("webhook", "create", "changing").out.strip()
    second = podium("webhook", "rotate", "changing").out.strip()
    assert [httpx.post(url).status_code for url in (first, second)] == [404, 200]
    assert podium("webhook", "pause", "changing").err == "Paused webhook 'changing'.\n"
    assert httpx.post(second).status_code == 403
    assert podium("webhook", "resume", "changing").code == 0
    edited = podium("webhook", "edit", "changing", "--name", "changed", "--template", GITHUB)
    assert edited.err == "Changed name, template of webhook 'changing'.\n"
    assert httpx.post(second, json={"repository": "x"}).status_code == 200
    assert podium("webhook", "delete", "changed").code == 0
    assert httpx.post(second).status_code == 404
    assert podium("webhook", "inspect", "changed").code == ExitCode.NOT_FOUND


def test_a_broken_template_is_refused_with_its_line(podium: Podium) -> None:
    """Nothing is made."""
    Path("broken.jinja").write_text('{\n"event": {{ x }\n}')
    result = podium("webhook", "create", "broken", "--template", "@broken.jinja")
    assert (result.code, result.out) == (2, "")
    assert result.err == "Error: template: Line 2: unexpected '}'\n"
    missing = podium("webhook", "create", "broken", "--template", "@nowhere")
    assert missing.code == ExitCode.USAGE
    assert podium("webhook", "inspect", "broken").code == ExitCode.NOT_FOUND
