"""The profile file is changed like a careful person would, whoever else is at it."""

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from podium.profiles import errors
from podium.profiles.lock import exclusive
from podium.profiles.store import ProfileStore

ROOT = Path(__file__).parents[2]

WRITTEN = """\
# Profiles of the team. Ask before changing.

active = "staging"  # for now

# What everybody uses
[profiles.staging]
PODIUM_API_URL = "https://staging.example/api"   # behind the VPN
PREFECT_LOGGING_LEVEL = 'DEBUG'

# Careful!
[profiles.production]
PODIUM_API_URL = "https://production.example/api"

[profiles."two words"]
PODIUM_SERVER_API_PORT = 4300
"""


@pytest.fixture
def file(home: Path) -> Path:
    """A profile file that people have written comments in."""
    path = home / ".podium" / "profiles.toml"
    path.parent.mkdir()
    path.write_text(WRITTEN)
    return path


def lines(text: str) -> list[str]:
    return text.splitlines()


def test_a_value_is_changed_in_its_place(file: Path) -> None:
    """Only the value changes, not the comment beside it."""
    ProfileStore(file).set("staging", {"PODIUM_API_URL": "https://new.example/api"})
    assert file.read_text() == WRITTEN.replace("https://staging.example/api", "https://new.example/api")


def test_a_new_value_goes_to_the_end_of_its_profile(file: Path) -> None:
    """Above the comment of the next one."""
    ProfileStore(file).set("staging", {"PODIUM_API_KEY": "k"})
    expected = WRITTEN.replace("'DEBUG'\n", "'DEBUG'\nPODIUM_API_KEY = \"k\"\n")
    assert file.read_text() == expected


def test_another_spelling_of_the_same_setting_is_replaced(file: Path) -> None:
    """One setting stands in a profile once."""
    ProfileStore(file).set("staging", {"PODIUM_LOGGING_LEVEL": "INFO"})
    assert ProfileStore(file).read().profiles["staging"] == {
        "PODIUM_API_URL": "https://staging.example/api",
        "PODIUM_LOGGING_LEVEL": "INFO",
    }


def test_unset_removes_the_line(file: Path) -> None:
    """Under whatever name it stands."""
    assert ProfileStore(file).unset("staging", ["PODIUM_LOGGING_LEVEL"]) == ["PREFECT_LOGGING_LEVEL"]
    assert file.read_text() == WRITTEN.replace("PREFECT_LOGGING_LEVEL = 'DEBUG'\n", "")


def test_a_profile_is_made_at_the_end(file: Path) -> None:
    """With the values it is given."""
    ProfileStore(file).create("new", {"PODIUM_API_URL": 'http://x/"quoted"\n\u2028'})
    assert file.read_text().startswith(WRITTEN)
    assert ProfileStore(file).read().profiles["new"] == {"PODIUM_API_URL": 'http://x/"quoted"\n\u2028'}


def test_use_changes_the_active_line(file: Path) -> None:
    """And keeps its comment."""
    ProfileStore(file).use("production")
    assert file.read_text() == WRITTEN.replace('"staging"  # for', '"production"  # for')


def test_rename_changes_the_header_and_what_is_active(file: Path) -> None:
    """Everything else stays."""
    ProfileStore(file).rename("staging", "pre prod")
    expected = WRITTEN.replace("[profiles.staging]", '[profiles."pre prod"]').replace('"staging"', '"pre prod"')
    assert file.read_text() == expected


def test_delete_takes_the_profile_and_the_comment_above_it(file: Path) -> None:
    """The next profile's comment stays; what was active is not any more."""
    ProfileStore(file).delete("staging")
    text = file.read_text()
    assert "staging" not in text
    assert "What everybody uses" not in text
    assert "# Careful!\n[profiles.production]" in text
    assert text.startswith("# Profiles of the team. Ask before changing.\n")
    assert ProfileStore(file).read().active is None


@pytest.mark.parametrize(
    "text",
    [
        'profiles = { a = { PODIUM_API_KEY = "1" } }\n',
        '[profiles]\na.PODIUM_API_KEY = "1"\n',
        '[profiles]\na = { PODIUM_API_KEY = "1" }\n',
        '[profiles.a]\nPODIUM_API_KEY = """\n[profiles.b]\nPODIUM_API_KEY = 1\n"""\n',
        '[profiles . "a"] # odd\n"PODIUM_API_KEY" = "1"\n',
    ],
)
def test_files_in_an_unusual_form_are_changed_too(home: Path, text: str) -> None:
    """TOML has many ways to say one thing."""
    file = home / "profiles.toml"
    file.write_text(text)
    store = ProfileStore(file)
    store.set("a", {"PODIUM_API_KEY": "2", "PODIUM_API_URL": "http://h"})
    assert store.read().profiles["a"] == {"PODIUM_API_KEY": "2", "PODIUM_API_URL": "http://h"}
    store.rename("a", "c")
    store.unset("c", ["PODIUM_API_URL"])
    assert store.read().profiles == {"c": {"PODIUM_API_KEY": "2"}}
    store.delete("c")
    assert store.read().profiles == {}


def test_a_file_and_its_directory_are_made_private(home: Path) -> None:
    """Keys are in them."""
    file = home / "deep" / "er" / "profiles.toml"
    ProfileStore(file).create("a", {"PODIUM_API_KEY": "k"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_file_that_was_public_becomes_private(file: Path) -> None:
    """With the first key that is written to it."""
    file.chmod(0o644)
    ProfileStore(file).set("staging", {"PODIUM_API_KEY": "k"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    """Profiles may live with somebody's other configuration."""
    real = tmp_path / "dotfiles.toml"
    file.rename(real)
    file.symlink_to(real)
    ProfileStore(file).use("production")
    assert file.is_symlink()
    assert 'active = "production"' in real.read_text()


def test_a_failed_write_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And nothing beside it."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(errors.NotWritable, match="cannot be written: No space left on device"):
        ProfileStore(file).use("production")
    assert file.read_text() == WRITTEN
    assert sorted(path.name for path in file.parent.iterdir()) == ["profiles.toml", "profiles.toml.lock"]


def test_writers_in_many_processes_lose_nothing(home: Path) -> None:
    """Each waits for the other and reads what it wrote."""
    file = home / ".podium" / "profiles.toml"
    ProfileStore(file).create("shared")
    program = (
        "import sys; from pathlib import Path; from podium.profiles.store import ProfileStore\n"
        "for i in range(15): ProfileStore(Path(sys.argv[1])).create(f'{sys.argv[2]}-{i}', {'PODIUM_API_KEY': str(i)})"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(file), name], cwd=ROOT) for name in ("a", "b", "c")]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert set(ProfileStore(file).read().profiles) == {"shared"} | {f"{n}-{i}" for n in "abc" for i in range(15)}


def test_a_writer_that_waits_too_long_gives_up(home: Path) -> None:
    """And says why."""
    lock = home / "lock"
    with exclusive(lock), pytest.raises(errors.StoreBusy, match="another program holds the lock"), exclusive(lock, 0.1):
        pass


def test_systems_without_file_locks_have_one_writer_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is then a file that only one can make; one left behind by a crash is taken over."""
    monkeypatch.setattr("podium.profiles.lock.HAS_FCNTL", False)
    lock = home / "lock"
    with exclusive(lock), pytest.raises(errors.StoreBusy), exclusive(lock, 0.1):
        pass
    assert not lock.exists()
    lock.touch()
    os.utime(lock, (0, 0))
    with exclusive(lock, 1.0):
        assert lock.exists()


def test_names_that_are_taken_missing_or_impossible(file: Path) -> None:
    """Each is refused by name, and nothing is written."""
    store = ProfileStore(file)
    with pytest.raises(errors.ProfileExists, match="'staging' already"):
        store.create("staging")
    with pytest.raises(errors.ProfileExists, match="'local' already"):
        store.rename("staging", "local")
    with pytest.raises(errors.ProfileNotFound, match=r"'stagin'\. Did you mean staging\?"):
        store.use("stagin")
    with pytest.raises(errors.NotSettable, match="built-in"):
        store.delete("local")
    for name in ("", " x", "a]b", 'a"b', "a\nb"):
        with pytest.raises(errors.NotSettable, match="no name for a profile"):
            store.create(name)
    assert file.read_text() == WRITTEN


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("active = 1\n", r":1: active must be the name of a profile"),
        ("# x\nprofiles = 1\n", r":2: profiles must be a table"),
        ("[profiles]\nx = 1\n", r":2: profiles\.x must be a table"),
        ("[profiles.x\n", r":1: not valid TOML"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_its_line(home: Path, text: str, message: str) -> None:
    """Rather than overwritten."""
    file = home / "profiles.toml"
    file.write_text(text)
    with pytest.raises(errors.InvalidFile, match=message):
        ProfileStore(file).set("x", {"PODIUM_API_KEY": "k"})
    assert file.read_text() == text


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "set", "unset", "use", "rename", "delete"]),
        st.sampled_from(["a", "b", "with space", "dotted.name"]),
        st.sampled_from(["a", "b", "with space", "dotted.name"]),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    ),
    max_size=12,
)


@given(STEPS)
@settings(max_examples=60, deadline=None)
def test_any_changes_leave_a_file_that_reads_back(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    """A model of the file as plain dicts agrees after every step, and no comment is lost but with its profile."""
    file = tmp_path_factory.mktemp("store") / "profiles.toml"
    file.write_text("# the title\n\n# of keep\n[profiles.keep]\n# inside\nPODIUM_API_KEY = '1' # beside\n")
    store, model, active = ProfileStore(file), {"keep": {"PODIUM_API_KEY": "1"}}, None
    for step, name, other, value in steps:
        try:
            if step == "create":
                store.create(name, {"PODIUM_API_KEY": value})
                model[name] = {"PODIUM_API_KEY": value}
            elif step == "set":
                store.set(name, {"PODIUM_API_URL": value})
                model[name]["PODIUM_API_URL"] = value
            elif step == "unset":
                store.unset(name, ["PODIUM_API_KEY"])
                model[name].pop("PODIUM_API_KEY", None)
            elif step == "use":
                store.use(name)
                active = name
            elif step == "rename":
                store.rename(name, other)
                model[other] = model.pop(name)
                active = other if active == name else active
            else:
                store.delete(name)
                del model[name]
                active = None if active == name else active
        except errors.SettingsError:
            continue
        assert (store.read().profiles, store.read().active) == (model, active)
    text = file.read_text()
    assert tomllib.loads(text)
    assert re.findall("#.*", text)[:4] == ["# the title", "# of keep", "# inside", "# beside"]
