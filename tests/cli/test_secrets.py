"""No command says a secret that it was not asked for."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from podium.profiles.registry import SETTINGS, Setting
from tests.cli.conftest import Podium, Result

CANARY = "CanaryCanaryCanaryCanaryCanary32"
SECRETS = [setting for setting in SETTINGS.values() if setting.secret]
URLS = ["api.url", "server.ui.api_url", "server.docket.url", "cloud.api_url", "server.api.host"]


def value_with_canary(setting: Setting) -> str:
    """A value that the setting accepts, with the canary inside."""
    if setting.path == "server.encryption_key":
        return base64.urlsafe_b64encode(CANARY.encode()).decode()
    if setting.path == "client.custom_headers":
        return f'{{"X-Custom":"{CANARY}"}}'
    if setting.path.endswith("url"):
        return f"{'postgresql' if 'database' in setting.path else 'redis'}://user:{CANARY}@host/1"
    return CANARY


def everything(podium: Podium, setting: Setting) -> Iterator[Result]:
    """What all commands say that look at settings."""
    for form in ([], ["-o", "json"]):
        yield podium("config", "view", *form)
        yield podium("config", "view", "--show-defaults", *form)
        yield podium("config", "explain", setting.name, *form)
        yield podium("profile", "inspect", *form)
        yield podium("profile", "ls", *form)
        yield podium("version", *form)
    yield podium("config", "validate")
    yield podium("config", "schema")
    yield podium("config", "unset", setting.name)


@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.path)
@pytest.mark.parametrize("source", ["profile", "env", ".env", "podium.toml"])
def test_a_secret_is_never_shown(
    podium: Podium, monkeypatch: pytest.MonkeyPatch, setting: Setting, source: str
) -> None:
    """From whichever source, by whichever command, in whichever form."""
    value = value_with_canary(setting)
    said = []
    if source == "profile":
        said.append(podium("config", "set", f"{setting.name}={value}"))
        assert said[0].code == 0
        assert value in podium("config", "view", "--show-secrets").out
    elif source == "env":
        monkeypatch.setenv(setting.names[-1], value)
    else:
        quoted = json.dumps(value)
        Path(source).write_text(f"{setting.name}={value}\n" if source == ".env" else f"{setting.name} = {quoted}\n")
    said += everything(podium, setting)
    assert [each for each in said if value in each.out + each.err or CANARY in each.out + each.err] == []


@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.path)
def test_a_wrong_secret_is_not_shown_in_the_error(
    podium: Podium, monkeypatch: pytest.MonkeyPatch, setting: Setting
) -> None:
    """Neither by the command that is given it, nor by those that find it."""
    wrong = f"{CANARY}\0"
    assert CANARY not in podium("config", "set", f"{setting.name}={wrong}").err
    assert CANARY not in podium("config", "set", f"{setting.name}X={CANARY}").err
    monkeypatch.setenv(setting.name, f"{CANARY}://{{")
    assert [each for each in everything(podium, setting) if CANARY in each.out + each.err] == []


@pytest.mark.parametrize("path", URLS)
def test_a_password_inside_a_url_is_never_shown(podium: Podium, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Also where the setting as a whole is no secret, and where its value is wrong."""
    name = "PODIUM_" + path.upper().replace(".", "_")
    scheme = "redis" if "docket" in path else "http"
    for value in (f"{scheme}://user:{CANARY}@host/api", f"wrong://user:{CANARY}@host?token={CANARY}"):
        monkeypatch.setenv(name, value)
        setting = SETTINGS.get(path) or SETTINGS["api.url"]
        said = [*everything(podium, setting), podium("config", "set", f"{name}={value}")]
        assert [each for each in said if CANARY in each.out + each.err] == []
