"""Which source wins, for every setting and any mix of sources."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.profiles import SettingsError, load_settings, resolve
from podium.profiles.derived import DERIVED
from podium.profiles.errors import UnknownKey, WrongProfile, WrongValue
from podium.profiles.registry import SETTINGS, Setting
from tests.profiles.conftest import Resolve

ORDER = ["flag", "env", ".env", "podium.toml", "prefect.toml", "pyproject.toml", "profile"]
PROJECT_FILES = {".env", "podium.toml", "prefect.toml", "pyproject.toml"}
Given = dict[tuple[str, str], str]


def test_without_any_source_all_is_default(settle: Resolve, home: Path) -> None:
    """A fresh machine has a home, a SQLite file in it, and the default profile."""
    resolved = settle()
    assert resolved.settings.home == home / ".podium"
    assert resolved.settings.server.database.connection_url == f"sqlite+aiosqlite:///{home}/.podium/podium.db"
    assert resolved.settings.server.api.port == 4200
    assert resolved.settings.profile == "ephemeral"
    assert resolved.origin("server.api.port").source == "default"


def test_load_settings_is_typed_and_read_only(project: Path, home: Path) -> None:
    """The server's one line."""
    loaded = load_settings({"server.api.port": 4300}, environ={"HOME": str(home)}, cwd=project)
    assert loaded.server.api.port == 4300
    with pytest.raises(AttributeError):
        loaded.server.api.port = 1  # type: ignore[misc]  # that it fails is the point


def test_every_source_in_turn(settle: Resolve, project: Path, profiles_file: Path) -> None:
    """Taking the sources away one by one, the next one is in force, and says where."""
    port = "server.api.port"
    profiles_file.write_text('active = "x"\n\n[profiles.x]\nPREFECT_SERVER_API_PORT = "1"\n')
    (project / "pyproject.toml").write_text("[tool.podium.server.api]\nport = 2\n")
    (project / "prefect.toml").write_text("# mine\n[server.api]\nport = 3\n")
    (project / "podium.toml").write_text("[server]\napi = { port = 4 }\n")
    (project / ".env").write_text("# ports\nexport PODIUM_SERVER_API_PORT='5'\n")
    environ = {"PREFECT_SERVER_API_PORT": "6"}
    flags: dict[str, Any] = {port: 7}
    places = []
    for value in range(7, 0, -1):
        resolved = settle(environ, flags)
        assert resolved.settings.server.api.port == value
        places.append(resolved.origin(port).where)
        if value == 7:
            flags = {port: None}
        elif value == 6:
            environ = {}
        elif value > 1:
            name = {5: ".env", 4: "podium.toml", 3: "prefect.toml", 2: "pyproject.toml"}[value]
            (project / name).unlink()
    assert places == [
        "command line",
        "environment",
        ".env:2",
        "podium.toml",
        "prefect.toml:3",
        "pyproject.toml:2",
        f"{profiles_file}:4",
    ]


def oracle(offered: Given, setting: Setting) -> tuple[str, str | None]:
    """Source and raw value that must win, said as simply as possible."""
    canonical = setting.path.upper().replace(".", "_")
    for source in ORDER:
        if source in PROJECT_FILES and setting.declaration.guarded:
            continue
        names = [name for from_source, name in offered if from_source == source]
        if not names:
            continue
        own = [name for name in names if name.startswith("PODIUM_")]
        candidates = own or [name for name in names if name.startswith("PREFECT_")] or names
        exact = [name for name in candidates if name.split("_", 1)[1] == canonical]
        best = exact or sorted(candidates, key=setting.names.index)
        return source, offered[source, best[0]]
    return "default", None


def writable(setting: Setting) -> bool:
    return not setting.declaration.process and setting.path not in {*DERIVED, "redis.url"} and bool(texts(setting))


def texts(setting: Setting) -> list[str]:
    """Some different values that the setting can have, in one spelling each."""
    if setting.annotation.__origin__ is bool:
        return ["true", "false"]
    low, high = 0.0, 10.0**6
    for bound, limit in setting.declaration.bounds:
        low, high = (max(low, limit), high) if bound[0] == "g" else (low, min(high, limit))
    if setting.annotation.__origin__ in (int, float):
        return [str(int(low) + step) for step in range(1, 9) if int(low) + step <= high]
    if setting.annotation.__origin__ is str and len(setting.annotation.__metadata__) == 1:
        return [f"v{step}" for step in range(8)]
    return []


CHOICES = [setting for setting in SETTINGS.values() if writable(setting)]


@st.composite
def offers(draw: st.DrawFn) -> tuple[Setting, Given]:
    setting = draw(st.sampled_from(CHOICES))
    sources = draw(st.lists(st.sampled_from(ORDER), unique=True))
    offered: Given = {}
    for source in sources:
        for name in draw(st.lists(st.sampled_from(setting.names), unique=True, min_size=1, max_size=3)):
            offered[source, name] = draw(st.sampled_from(texts(setting)))
    return setting, offered


def toml(offered: Given, source: str, table: str = "") -> str:
    lines = [f'{name} = "{value}"' for (each, name), value in offered.items() if each == source]
    return "\n".join([f"[{table}]" if table else "", *lines, ""]) if lines else ""


@given(offers())
@settings(max_examples=300, deadline=None)
def test_any_mix_of_sources_resolves_as_the_oracle_says(offer: tuple[Setting, Given]) -> None:
    """Flag > environment > .env > project files > profile > default, and own names before aliases in each."""
    setting, offered = offer
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        for source in ("podium.toml", "prefect.toml"):
            (here / source).write_text(toml(offered, source))
        (here / "pyproject.toml").write_text(toml(offered, "pyproject.toml", "tool.podium"))
        (here / "profiles.toml").write_text(toml(offered, "profile", "profiles.test"))
        (here / ".env").write_text("".join(f"{n}={v}\n" for (each, n), v in offered.items() if each == ".env"))
        environ = {name: value for (source, name), value in offered.items() if source == "env"}
        flags = {name: value for (source, name), value in offered.items() if source == "flag"}
        resolved = resolve(flags, {**environ, "PODIUM_HOME": directory, "HOME": directory}, "test", here)
        source, raw = oracle(offered, setting)
        assert (resolved.origin(setting.path).source, resolved.origin(setting.path).raw) == (
            source,
            raw or setting.default,
        )
        section: Any = resolved.settings
        for name in setting.path.split("."):
            section = getattr(section, name)
        assert section == resolved.value(setting.path)
        if raw is not None:
            assert str(section).lower().removesuffix(".0") == raw


def test_candidates_are_listed_in_order_with_the_default_last(settle: Resolve, project: Path) -> None:
    """`config explain` shows what would be in force next."""
    (project / "podium.toml").write_text("[server.api]\nhost = 'h'\n")
    resolved = settle({"PREFECT_SERVER_API_HOST": "p", "PODIUM_SERVER_API_HOST": "o"})
    shown = [(each.source, each.key, each.raw) for each in resolved.candidates("PODIUM_SERVER_API_HOST")]
    assert shown == [
        ("env", "PODIUM_SERVER_API_HOST", "o"),
        ("env", "PREFECT_SERVER_API_HOST", "p"),
        ("podium.toml", "server.api.host", "h"),
        ("default", "PODIUM_SERVER_API_HOST", "127.0.0.1"),
    ]


def test_the_printed_name_is_the_one_it_was_set_under(settle: Resolve) -> None:
    """People find their own spelling again, in Podium's form."""
    resolved = settle({"PREFECT_API_DATABASE_CONNECTION_URL": "sqlite://", "ORION_ENCRYPTION_KEY": "A" * 43 + "="})
    assert [resolved.printed_name(each) for each in resolved.given()] == [
        "PODIUM_API_DATABASE_CONNECTION_URL",
        "PODIUM_SERVER_ENCRYPTION_KEY",
        "PODIUM_SERVER_EPHEMERAL_ENABLED",
    ]


def test_nothing_written_is_nothing_set(settle: Resolve) -> None:
    """`NAME=` in a compose file leaves the default, but where empty is a value of its own."""
    resolved = settle({"PODIUM_SERVER_API_PORT": "", "PODIUM_SERVER_DATABASE_CONNECTION_URL": "", "PODIUM_API_URL": ""})
    assert resolved.settings.server.api.port == 4200
    assert resolved.origin("server.database.connection_url").source == "default"
    assert resolved.origin("api.url").source == "env"


def test_a_wrong_value_names_source_key_and_what_is_expected(settle: Resolve, profiles_file: Path) -> None:
    """One line, with everything needed to mend it."""
    profiles_file.write_text("[profiles.x]\nPREFECT_SERVER_API_PORT = 'http'\n")
    with pytest.raises(WrongValue) as wrong:
        _ = settle(profile="x").settings
    assert str(wrong.value) == (
        f"{profiles_file}:2: PREFECT_SERVER_API_PORT must be a whole number, at least 0, at most 65535, not 'http'."
    )


def test_an_unknown_key_of_a_profile_is_an_error(settle: Resolve, profiles_file: Path) -> None:
    """A typing mistake does not silently do nothing."""
    profiles_file.write_text("[profiles.x]\nPODIUM_SERVER_API_PROT = '1'\n")
    resolved = settle(profile="x")
    with pytest.raises(UnknownKey, match=r":2: PODIUM_SERVER_API_PROT is not .* Did you mean PODIUM_SERVER_API_PORT\?"):
        _ = resolved.settings
    assert resolved.value("server.api.port") == 4200


def test_keys_of_integrations_and_of_the_client_are_accepted(settle: Resolve, profiles_file: Path) -> None:
    """A profile that the client uses as well does not get errors."""
    profiles_file.write_text(
        "[profiles.x]\nPREFECT_FLOWS_DEFAULT_RETRIES = '3'\nPREFECT_INTEGRATIONS_KUBERNETES_ADD_TCP_KEEPALIVE = '1'\n"
    )
    resolved = settle(profile="x")
    assert resolved.settings.profile == "x"
    assert resolved.notices == []


def test_the_environment_may_hold_other_peoples_variables(settle: Resolve) -> None:
    """Kubernetes sets PODIUM_PORT and the like for a service of that name; a near miss is told, nothing fails."""
    resolved = settle({"PODIUM_PORT": "tcp://10.0.0.1:4200", "PODIUM_SERVER_API_PROT": "1"})
    assert resolved.settings.server.api.port == 4200
    assert resolved.notices == [
        "environment: PODIUM_SERVER_API_PROT is not a setting. Did you mean PODIUM_SERVER_API_PORT?"
    ]


def test_the_clients_home_does_not_move_ours(settle: Resolve, home: Path, profiles_file: Path) -> None:
    """PREFECT_HOME is where the client keeps its database and profiles; two programs do not share one."""
    profiles_file.write_text("[profiles.x]\nPREFECT_HOME = '/elsewhere'\nPODIUM_HOME = '/elsewhere'\n")
    resolved = settle({"PREFECT_HOME": "/elsewhere"}, profile="x")
    assert resolved.settings.home == home / ".podium"
    assert [notice.split(" is ignored")[0] for notice in resolved.notices] == [
        "environment: PREFECT_HOME",
        f"{profiles_file}:2: PREFECT_HOME",
        f"{profiles_file}:3: PODIUM_HOME",
    ]


def test_home_and_paths_are_filled_in(settle: Resolve, home: Path) -> None:
    """`~`, `${PODIUM_HOME}` and the client's spelling of it."""
    environ = {
        "PODIUM_HOME": "~/p",
        "PODIUM_SERVER_MEMO_STORE_PATH": "$PREFECT_HOME/memo.toml",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": "sqlite+aiosqlite:///${PREFECT_HOME}/x.db",
    }
    found = settle(environ).settings
    assert found.home == home / "p"
    assert found.profiles_path == home / "p" / "profiles.toml"
    assert found.server.memo_store_path == home / "p" / "memo.toml"
    assert found.server.database.connection_url == f"sqlite+aiosqlite:///{home}/p/x.db"
    tilde = settle({"PODIUM_SERVER_DATABASE_CONNECTION_URL": "sqlite:///~/x.db"}).settings
    assert tilde.server.database.connection_url == f"sqlite:///{home}/x.db"


@pytest.mark.parametrize(
    ("environ", "profile", "used"),
    [
        ({}, None, "b"),
        ({"PREFECT_PROFILE": "local"}, None, "local"),
        ({"PREFECT_PROFILE": "local", "PODIUM_PROFILE": "a"}, None, "a"),
        ({"PODIUM_PROFILE": "a"}, "test", "test"),
        ({"PODIUM_PROFILE": ""}, None, "b"),
    ],
)
def test_which_profile_is_used(
    settle: Resolve, profiles_file: Path, environ: dict[str, str], profile: str | None, used: str
) -> None:
    """Command line, PODIUM_PROFILE, PREFECT_PROFILE, the active one of the file, in that order."""
    profiles_file.write_text("active = 'b'\n[profiles.a]\n[profiles.b]\n")
    assert settle(environ, profile=profile).settings.profile == used


def test_a_profile_that_is_not_there_is_an_error(settle: Resolve) -> None:
    """Rather than using another one, which may be another server."""
    with pytest.raises(WrongProfile, match=r"environment: PODIUM_PROFILE: there is no profile 'loca'\. .*local\?"):
        settle({"PODIUM_PROFILE": "loca"})


def test_the_built_in_test_profile_is_in_memory(settle: Resolve) -> None:
    """Tests of flows leave nothing behind."""
    assert settle(profile="test").settings.server.database.connection_url == "sqlite+aiosqlite:///:memory:"


def test_a_representation_of_settings_shows_no_secret(settle: Resolve) -> None:
    """Settings may end up in a log."""
    environ = {
        "PODIUM_API_KEY": "canary",
        "PODIUM_REDIS_URL": "redis://:canary@h",
        "PODIUM_SERVER_DATABASE_CONNECTION_URL": "postgresql://u:canary@h/d",
        "PODIUM_API_URL": "http://u:canary@h/api",
    }
    assert "canary" not in repr(settle(environ).settings)


def test_a_broken_profile_file_is_named_with_its_line(settle: Resolve, profiles_file: Path) -> None:
    """No traceback, no guessing."""
    profiles_file.write_text("[profiles.x]\nPODIUM_API_KEY = canary\n")
    with pytest.raises(SettingsError, match=r"profiles.toml:2: not valid TOML: Invalid value\.$") as error:
        settle()
    assert "canary" not in str(error.value)
