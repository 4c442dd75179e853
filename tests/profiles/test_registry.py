"""Every setting that a Prefect installation may have is known here, under every name it ever had."""

import json
from pathlib import Path
from typing import Any

import pytest

from podium.profiles.registry import ALL, BY_NAME, CLIENTS_OWN, SETTINGS, find, near_miss
from podium.profiles.values import parse, text

KNOWN: list[dict[str, Any]] = json.loads(Path(__file__).with_name("prefect_settings.json").read_text("utf-8"))
OURS = [known for known in KNOWN if known["name"] not in CLIENTS_OWN]

DELIBERATE = {
    "PREFECT_API_SSL_CERT_FILE": None,  # the system's bundle
    "PREFECT_PROFILE": "ephemeral",
    "PREFECT_SERVER_ANALYTICS_ENABLED": False,
    "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": "",  # only the server's own pages
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "database",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///${PODIUM_HOME}/podium.db",
    "PREFECT_SERVER_DOCKET_NAME": "podium-server",
    "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "memory",
    "PREFECT_SERVER_EVENTS_MESSAGING_BROKER": "memory",
    "PREFECT_SERVER_EVENTS_MESSAGING_CACHE": "memory",
    "PREFECT_SERVER_LOGS_STREAM_OUT_ENABLED": True,
    "PREFECT_SERVER_LOGS_STREAM_PUBLISHING_ENABLED": True,
    "PREFECT_SERVER_MEMO_STORE_PATH": Path("${PODIUM_HOME}/memo_store.toml"),
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": False,
    "PREFECT_SERVER_WORKER_CHANNEL_CLEANUP_QUEUE_STORAGE": "memory",
}
"""Defaults that differ from the client's own, on purpose."""


@pytest.mark.parametrize("known", OURS, ids=lambda known: known["name"])
def test_every_name_of_a_prefect_setting_is_accepted(known: dict[str, Any]) -> None:
    """The name, its PODIUM_ form and all older names lead to one setting."""
    name = known["name"]
    names = [name, "PODIUM_" + name.removeprefix("PREFECT_"), *known["aliases"]]
    assert {find(each) for each in names} == {BY_NAME[name]}


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: known["name"])
def test_defaults_are_those_of_the_client_or_differ_on_purpose(known: dict[str, Any]) -> None:
    """Nobody is surprised by a default, but where it is written down."""
    setting = find(known["name"])
    if setting is None or setting.section is None:
        return
    default = sorted(setting.default) if isinstance(setting.default, frozenset) else setting.default
    assert default == DELIBERATE.get(known["name"], known["default"])


def test_what_the_client_keeps_secret_is_secret_here() -> None:
    """No secret becomes public by the move."""
    assert {known["name"] for known in KNOWN if known["secret"]} <= {
        name for name, setting in BY_NAME.items() if setting.secret
    }


def test_a_name_means_one_setting() -> None:
    """No two settings share a name or an alias."""
    names = [name for setting in ALL.values() for name in setting.names]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.path)
def test_a_default_reads_back_from_its_text(setting: Any) -> None:
    """What `config view` prints is what `config set` takes."""
    if setting.default is not None:
        assert parse(setting, text(setting.default)) == setting.default


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda setting: setting.path)
def test_every_setting_has_a_sentence(setting: Any) -> None:
    """One sentence that fits a line of help."""
    assert setting.sentence.endswith(".")
    assert len(setting.sentence) < 160


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("PODIUM_SERVER_API_PROT", "PODIUM_SERVER_API_PORT"),
        ("PREFECT_API_ULR", "PODIUM_API_URL"),
        ("server.api.prt", "server.api.port"),
        ("API_URL", "PODIUM_API_URL"),
        ("PODIUM_SOMETHING_ELSE_ENTIRELY", None),
    ],
)
def test_a_near_miss_is_told_the_right_name(typed: str, meant: str | None) -> None:
    """A mistyped name is answered with the one that was probably meant."""
    assert near_miss(typed) == meant
