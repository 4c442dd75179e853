"""What is on a server, by kind and name; each kind is read when it is first asked for."""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args
from uuid import NAMESPACE_URL, uuid5

import msgspec

from podium.client.api import Client
from podium.client.errors import NotFound, Unreadable
from podium.client.manifests.kind import Kind, Names, Row, Unresolved
from podium.client.manifests.kinds import REFERRED, repeated
from podium.client.nouns.noun import endpoint
from podium.client.nouns.values import is_id
from podium.wire.endpoint import Endpoint


class Skipped(NamedTuple):
    """Something that cannot be declared or copied, and why."""

    kind: str
    name: str
    reason: str


class Inventory:
    """The things of one server. ``with_secrets``: those of blocks too, which are kept out of every document."""

    def __init__(self, client: Client, *, with_secrets: bool = False) -> None:
        self.client = client
        self.with_secrets = with_secrets
        self.skipped: list[Skipped] = []
        self._rows: dict[str, dict[str, Row]] = {}
        self._ids: dict[str, dict[str, str]] = {}

    def rows(self, kind: str) -> Mapping[str, Row]:
        """Everything of a kind that can be named, by name."""
        if kind not in self._rows:
            self._read(REFERRED[kind])
        return self._rows[kind]

    def id_of(self, kind: str, name: str) -> str:
        """The id of what has this name, or the id itself. Raises Unresolved."""
        row = self.rows(kind).get(name)
        if row is None and not is_id(name):
            raise Unresolved(f"there is no {REFERRED[kind].words} {name!r}")
        return name if row is None else str(row["id"])

    def name_of(self, kind: str, id: str) -> str | None:  # noqa: A002
        """The name of what has this id."""
        self.rows(kind)
        return self._ids[kind].get(id)

    def add(self, kind: str, name: str, row: Row) -> None:
        """Note a thing that was made."""
        self.rows(kind)
        self._rows[kind][name] = row
        self._ids[kind][row["id"]] = name

    def read_again(self, kind: str) -> None:
        """Forget a kind: it changed by itself."""
        self._rows.pop(kind, None)
        self._ids.pop(kind, None)

    def _read(self, kind: Kind) -> None:
        rows: dict[str, Row] = {}
        ids: dict[str, str] = {}
        body: dict[str, Any] = {"include_secrets": True} if self.with_secrets and kind.name == "block" else {}
        for row in self._listed(kind, body):
            if kind.is_made(row, self):
                continue
            name = kind.name_of(row, self)
            if name is None:
                reason = "what it belongs to is gone"
                self.skipped.append(Skipped(kind.name, str(row.get("name") or row["id"]), reason))
                continue
            if kind.repeats:
                name = next(each for each in repeated(name) if each not in rows)
            rows.setdefault(name, row)
            ids[row["id"]] = name
        self._rows[kind.name], self._ids[kind.name] = rows, ids

    def _listed(self, kind: Kind, body: dict[str, Any]) -> list[Row]:
        """The rows of a kind; of those whose names are not unique the oldest first."""
        row = endpoint(kind.listed)
        try:
            found = [msgspec.to_builtins(each) for each in self.client.pages(row, body)]
        except NotFound:
            if not kind.only_podium:
                raise
            return []  # the server is none of Podium's and has no such things
        except Unreadable:
            found = self._readable(kind, row, body)
        return sorted(found, key=lambda each: (each["created"], each["id"])) if kind.repeats else found

    def _readable(self, kind: Kind, row: Endpoint, body: dict[str, Any]) -> list[Row]:
        """The rows that can be read, where a newer server has some that cannot."""
        (item,) = get_args(row.answer)
        found = []
        for each in self.client.pages(msgspec.structs.replace(row, answer=list[msgspec.Raw]), body):
            try:
                found.append(msgspec.to_builtins(msgspec.json.decode(each, type=item)))
            except msgspec.ValidationError as error:
                told = msgspec.json.decode(each)
                name = str(told.get("name") or told.get("id")) if isinstance(told, dict) else "?"
                self.skipped.append(Skipped(kind.name, name, f"it is of a kind that is not known here: {error}"))
        return found


class Expected:
    """The names of a server, and those that documents are about to make, under ids that stand in for theirs."""

    def __init__(self, names: Names, declared: Mapping[str, set[str]]) -> None:
        self._names = names
        self._declared = declared
        self._stand_ins: dict[str, tuple[str, str]] = {}

    def rows(self, kind: str) -> Mapping[str, Row]:
        """Everything that is there."""
        return self._names.rows(kind)

    def id_of(self, kind: str, name: str) -> str:
        """The id of what has this name, or one that stands in for it. Raises Unresolved."""
        try:
            return self._names.id_of(kind, name)
        except Unresolved:
            # A flow is registered by whoever names it first.
            if kind != "flow" and name not in self._declared.get(kind, ()):
                raise Unresolved(f"there is no {REFERRED[kind].words} {name!r}, and none is to be made") from None
        found = str(uuid5(NAMESPACE_URL, f"{kind}/{name}"))
        self._stand_ins[found] = (kind, name)
        return found

    def name_of(self, kind: str, id: str) -> str | None:  # noqa: A002
        """The name of what has this id."""
        known = self._stand_ins.get(id)
        return known[1] if known and known[0] == kind else self._names.name_of(kind, id)
