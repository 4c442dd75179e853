"""deploy/Dockerfile. No engine builds it here: a linter reads it, and what it runs is looked at."""

import json
import re

from podium.profiles.resolve import load_settings
from tests.deploy import commands, compose
from tests.deploy.conftest import Tool

FILE = compose.DEPLOY / "Dockerfile"
ROOT = compose.DEPLOY.parent


def test_the_linter_has_no_complaint(tool: Tool) -> None:
    result = tool("hadolint", FILE)
    assert result.returncode == 0, result.stdout


def test_its_words_are_commands_of_podium() -> None:
    """What it runs, what it runs by default, and what tells whether it is well."""
    text = FILE.read_text()
    entry, usual = (json.loads(_one(rf"^{word} (\[.*\])$", text)) for word in ("ENTRYPOINT", "CMD"))
    health = json.loads(_one(r"^HEALTHCHECK .*? CMD (\[.*\])$", text))
    assert entry == ["podium"]
    assert commands.parse(usual) == "podium server start"
    assert health[0] == "podium"
    assert commands.parse(health[1:]) == "podium healthcheck"


def test_its_variables_are_settings_and_its_user_is_not_root() -> None:
    """The user is a number, by which a cluster sees that it is not root."""
    text = FILE.read_text()
    block = re.search(r"^ENV (?:.*\\\n)*.*$", text, re.MULTILINE)
    assert block is not None
    variables = dict(re.findall(r"(\w+)=(\S+)", block[0]))
    assert commands.unknown_settings(variables) == []
    assert load_settings(environ=variables).server.api.host == "0.0.0.0"
    assert int(_one(r"^USER (\d+):\d+$", text)) > 0


def test_what_it_copies_exists_and_is_let_through() -> None:
    """The context leaves out everything but that."""
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", FILE.read_text(), re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    assert [name for name in names if not (ROOT / name).exists()] == []
    allowed = (compose.DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    assert {line[1:] for line in allowed if line.startswith("!")} == names


def test_no_package_host_is_named() -> None:
    """Any index or mirror serves."""
    assert re.findall(r"https?://", FILE.read_text()) == []


def _one(pattern: str, text: str) -> str:
    (found,) = re.findall(pattern, text, re.MULTILINE)
    return str(found)
