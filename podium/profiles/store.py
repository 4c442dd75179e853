"""The profile file: named sets of settings and which one is active.

::

    active = "staging"

    [profiles.staging]
    PODIUM_API_URL = "https://podium.example.com/api"

Writes keep comments and order, replace the file as a whole, are readable by the owner only, and wait for each other.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from podium.profiles import toml_edit
from podium.profiles.errors import NotSettable, NotWritable, ProfileExists, ProfileNotFound
from podium.profiles.lock import exclusive
from podium.profiles.profile_file import ProfileFile, profile_file, read_profiles, similar_profile
from podium.profiles.registry import find
from podium.profiles.toml_edit import Document, Lines
from podium.profiles.toml_file import parse_toml, read_toml


class ProfileStore:
    """Reads and changes one profile file. Every method reads the file afresh."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> ProfileFile:
        """The file as it is. Raises InvalidFile."""
        return read_profiles(self.path)

    def set(self, name: str, values: Mapping[str, str]) -> None:
        """Give a profile's keys values; other spellings of the same settings are removed.

        A built-in profile gets a table for them. Raises ProfileNotFound.
        """

        def change(file: ProfileFile, edits: "Edits") -> None:
            self._must_exist(file, name)
            for key, value in values.items():
                for other in _spellings(file.profiles.get(name, {}), key):
                    edits.remove(name, other)
                edits.put(name, key, value)

        self._change(change)

    def unset(self, name: str, keys: list[str]) -> list[str]:
        """Remove settings from a profile, under whatever name; returns the keys that were there."""
        removed: list[str] = []

        def change(file: ProfileFile, edits: "Edits") -> None:
            self._must_exist(file, name)
            content = file.profiles.get(name, {})
            removed.extend(
                dict.fromkeys(each for key in keys for each in [*_spellings(content, key), key] if each in content)
            )
            for key in removed:
                edits.remove(name, key)

        self._change(change)
        return removed

    def create(self, name: str, values: Mapping[str, Any] | None = None) -> None:
        """Make a profile. Raises ProfileExists and NotSettable."""
        if not name.strip() or name != name.strip() or not name.isprintable() or set(name) & set("\"'\\[]"):
            raise NotSettable(f"argument: {name!r} is no name for a profile; use letters, digits, '-', '_' and '.'.")

        def change(file: ProfileFile, edits: "Edits") -> None:
            self._must_be_free(file, name)
            edits.table(name)
            for key, value in (values or {}).items():
                edits.put(name, key, value if isinstance(value, str) else _plain(key, value))

        self._change(change)

    def use(self, name: str) -> None:
        """Make a profile the active one. Raises ProfileNotFound."""

        def change(file: ProfileFile, edits: "Edits") -> None:
            self._must_exist(file, name)
            edits.activate(name)

        self._change(change)

    def rename(self, old: str, new: str) -> None:
        """Rename a profile of the file; it stays active if it was. Raises ProfileNotFound and ProfileExists."""

        def change(file: ProfileFile, edits: "Edits") -> None:
            self._must_be_own(file, old, "renamed")
            self._must_be_free(file, new)
            edits.rename(old, new)
            if file.active == old:
                edits.activate(new)

        self._change(change)

    def delete(self, name: str) -> None:
        """Delete a profile of the file; if it was active, none is. Raises ProfileNotFound."""

        def change(file: ProfileFile, edits: "Edits") -> None:
            self._must_be_own(file, name, "deleted")
            edits.drop(name)
            if file.active == name:
                edits.deactivate()

        self._change(change)

    def _must_exist(self, file: ProfileFile, name: str) -> None:
        known = file.names()
        if name not in known:
            raise ProfileNotFound("argument", name, known, similar_profile(name, known))

    def _must_be_own(self, file: ProfileFile, name: str, verb: str) -> None:
        self._must_exist(file, name)
        if name not in file.profiles:
            raise NotSettable(f"{self.path}: {name!r} is a built-in profile and cannot be {verb}.")

    def _must_be_free(self, file: ProfileFile, name: str) -> None:
        if name in file.names():
            raise ProfileExists(f"{self.path}: there is a profile {name!r} already.")

    def _change(self, change: Callable[[ProfileFile, "Edits"], None]) -> None:
        path = Path(os.path.realpath(self.path))
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with exclusive(path.with_name(path.name + ".lock")):
                file = read_toml(path)
                text = path.read_text("utf-8") if file else ""
                edits = Edits(text, path)
                change(profile_file(file or parse_toml("", path)), edits)
                if edits.text != text:
                    _replace(path, edits.text)
        except OSError as error:
            raise NotWritable(f"{path}: cannot be written: {error.strerror}.") from None


class Edits:
    """The text of a profile file while it is being changed."""

    def __init__(self, text: str, path: Path) -> None:
        self.text = text
        self.path = path

    def put(self, profile: str, key: str, value: str) -> None:
        """Set a key of a profile."""

        def on_document(document: Document) -> None:
            _table(document, profile)[key] = value

        self._edit(partial(toml_edit.set_value, table=("profiles", profile), key=key, value=value), on_document)

    def remove(self, profile: str, key: str) -> None:
        """Remove a key of a profile."""

        def on_document(document: Document) -> None:
            del _table(document, profile)[key]

        self._edit(partial(toml_edit.remove_key, table=("profiles", profile), key=key), on_document)

    def table(self, profile: str) -> None:
        """Add an empty profile."""
        self._edit(partial(toml_edit.add_table, table=("profiles", profile)), lambda doc: _ignore(_table(doc, profile)))

    def drop(self, profile: str) -> None:
        """Remove a profile."""

        def on_document(document: Document) -> None:
            del document["profiles"][profile]
            if not document["profiles"]:
                del document["profiles"]

        self._edit(partial(toml_edit.remove_table, table=("profiles", profile)), on_document)

    def rename(self, old: str, new: str) -> None:
        """Rename a profile."""

        def on_document(document: Document) -> None:
            document["profiles"][new] = document["profiles"].pop(old)

        self._edit(partial(toml_edit.rename_table, table=("profiles", old), name=new), on_document)

    def activate(self, profile: str) -> None:
        """Name the active profile."""

        def on_document(document: Document) -> None:
            document["active"] = profile

        self._edit(partial(toml_edit.set_value, table=(), key="active", value=profile), on_document)

    def deactivate(self) -> None:
        """Name no active profile."""

        def on_document(document: Document) -> None:
            del document["active"]

        self._edit(partial(toml_edit.remove_key, table=(), key="active"), on_document)

    def _edit(self, on_lines: Callable[[Lines], None], on_document: Callable[[Document], None]) -> None:
        self.text = toml_edit.edit(self.text, on_lines, on_document, str(self.path))


def _ignore(_: object) -> None:
    return None


def _table(document: Document, profile: str) -> Document:
    if "profiles" not in document:
        document["profiles"] = {}
    if profile not in document["profiles"]:
        document["profiles"][profile] = {}
    table: Document = document["profiles"][profile]
    return table


def _spellings(content: Mapping[str, Any], key: str) -> list[str]:
    """The other names under which a profile has the setting of this key."""
    setting = find(key)
    return [each for each in content if each != key and setting is not None and find(each) is setting]


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise NotSettable(f"{key}: a value that is no text cannot be copied.")


def _replace(path: Path, text: str) -> None:
    """Put the text in the file's place in one step, readable by the owner only."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    with suppress(OSError):
        directory = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
