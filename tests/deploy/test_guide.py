"""deploy/README.md can be followed as it stands, as far as that shows without an engine."""

import re
import shlex

import yaml

from tests.deploy import commands, compose

CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)
CHART = compose.DEPLOY / "helm" / "podium"


def lines() -> list[list[str]]:
    """The commands of the guide, split as a shell does."""
    text = (compose.DEPLOY / "README.md").read_text()
    typed = [line.strip()[2:] for block in CONSOLE.findall(text) for line in block.splitlines() if line.strip()]
    return [shlex.split(part, comments=True) for line in typed for part in line.split("&&")]


def test_every_command_of_podium_in_it_is_one() -> None:
    """And every setting is one."""
    called = [commands.parse(words[1:]) for words in lines() if words[0] == "podium"]
    assert called == ["podium healthcheck", "podium server status", "podium server check"]
    text = (compose.DEPLOY / "README.md").read_text()
    assert commands.unknown_settings(re.findall(r"`(PODIUM_[A-Z_]+)[=`]", text)) == []


def test_every_service_and_unit_in_it_exists() -> None:
    """Of the compose file, and of systemd."""
    known = set(compose.services({"POSTGRES_PASSWORD": "x", "REDIS_PASSWORD": "x"}))
    named = {
        word
        for words in lines()
        if words[:2] == ["docker", "compose"]
        for word in words
        if re.match(r"[a-z]+-\d", word)
    }
    assert named and named <= known
    units = {word for words in lines() if words[0] == "systemctl" for word in words[1:] if word.startswith("podium")}
    files = {
        path.name.partition("@")[0].removesuffix(".service") for path in (compose.DEPLOY / "systemd").glob("*.service")
    }
    assert {unit.partition("@")[0] for unit in units} == files


def test_every_value_of_the_chart_in_it_is_one() -> None:
    """And the secrets are those that the chart asks for."""
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    typed = [words for words in lines() if words[:2] == ["helm", "install"]]
    for name in re.findall(r"--set (?:\S+,)?([\w.]+)=", (compose.DEPLOY / "README.md").read_text()):
        part = values
        for word in name.split("."):
            part = part[word]
    assert typed
    secrets = {words[4] for words in lines() if words[:3] == ["kubectl", "create", "secret"]}
    assert secrets == {values["database"]["existingSecret"], values["redis"]["existingSecret"]}
