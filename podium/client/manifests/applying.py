"""Doing what was planned, one thing after the other; what fails is told, and the others are tried."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal, NamedTuple

import msgspec

from podium.client.errors import ClientError, Conflict, NotFound, Unreachable
from podium.client.manifests.block_secrets import MissingSecret
from podium.client.manifests.inventory import Inventory
from podium.client.manifests.kind import Kind, Row, Sending, Spec, Unresolved
from podium.client.manifests.kinds import AUTOMATION, KINDS
from podium.client.manifests.planning import Change, field_of
from podium.client.nouns.noun import endpoint

STUB: Final = {
    "enabled": False,
    "trigger": {"type": "event", "posture": "Reactive", "expect": ["podium.never"]},
    "actions": [{"type": "do-nothing"}],
}
"""An automation that another one names before it is made itself."""


class Outcome(NamedTuple):
    """A change that was tried: what became of it, and a note or the reason."""

    change: Change
    result: Literal["done", "failed"]
    detail: str | None = None
    error: Exception | None = None


def applied(inventory: Inventory, changes: Sequence[Change]) -> Iterator[Outcome]:
    """Do the changes in their order; an outcome for each. Once no server answers, the others are not tried."""
    names = _Making(inventory, changes)
    lost: Unreachable | None = None
    for change in changes:
        if lost is not None:
            yield Outcome(change, "failed", "not tried", lost)
            continue
        try:
            yield Outcome(change, "done", _do(inventory, names, change))
        except (ClientError, Unresolved, MissingSecret, ValueError) as error:
            lost = error if isinstance(error, Unreachable) else None
            yield Outcome(change, "failed", str(error), error)


class _Making:
    """The names of a server, where flows that are missing are registered and automations that are to come begun."""

    def __init__(self, inventory: Inventory, changes: Sequence[Change]) -> None:
        self._inventory = inventory
        self._coming = {each.name for each in changes if each.kind == AUTOMATION.name and each.action == "create"}

    def rows(self, kind: str) -> Mapping[str, Row]:
        """Everything of a kind."""
        return self._inventory.rows(kind)

    def name_of(self, kind: str, id: str) -> str | None:  # noqa: A002
        """The name of what has this id."""
        return self._inventory.name_of(kind, id)

    def id_of(self, kind: str, name: str) -> str:
        """The id of what has this name. Raises Unresolved."""
        try:
            return self._inventory.id_of(kind, name)
        except Unresolved:
            if kind == "flow":
                made = self._inventory.client.call(endpoint("flows.CREATE"), {"name": name})
            elif kind == AUTOMATION.name and name in self._coming:
                made = self._inventory.client.call(
                    endpoint(AUTOMATION.create), {**STUB, **AUTOMATION.identity(name, self)}
                )
            else:
                raise
        self._inventory.add(kind, name, msgspec.to_builtins(made))
        return str(made.id)


def _do(inventory: Inventory, names: _Making, change: Change) -> str | None:
    kind = KINDS[change.kind]
    row = inventory.rows(kind.name).get(change.name)
    if change.action == "delete":
        _delete(inventory, kind, row)
        return None
    client = inventory.client
    sending = Sending(change.name, change.wanted, row or {}, names)
    spec = kind.complete(client, sending) if kind.complete else change.wanted
    note = None
    if row is None:
        row = _create(inventory, kind, change.name, spec, names)
        if row is not None:
            note = f"its URL, told this once, is {row['url']}" if row.get("url") else None
        else:
            # It came with another, as the default queue does with its pool.
            row = inventory.rows(kind.name)[change.name]
            sending = sending._replace(row=row)
            _update(inventory, kind, row, spec, set(spec), names)
    else:
        fields = {field_of(each) for each in change.differences} if change.action == "update" else set(spec)
        _update(inventory, kind, row, spec, fields, names)
    if kind.after:
        note = kind.after(client, sending) or note
    if kind.name == "block-type":
        inventory.read_again("block-schema")
    return note


def _create(inventory: Inventory, kind: Kind, name: str, spec: Spec, names: _Making) -> Row | None:
    """The row that was made; None where it turned out to be there."""
    sent = kind.sent(
        {field.name: spec[field.name] for field in kind.fields if field.name in spec and field.when != "never"}, names
    )
    body = {**kind.identity(name, names), **sent}
    if name in inventory.rows(kind.name):
        return None  # it was begun for another that names it
    try:
        made: Row = msgspec.to_builtins(inventory.client.call(endpoint(kind.create), body, **kind.place(name)))
    except Conflict:
        inventory.read_again(kind.name)
        if name in inventory.rows(kind.name):
            return None
        raise
    inventory.add(kind.name, name, made)
    return made


def _update(inventory: Inventory, kind: Kind, row: Row, spec: Spec, changed: set[str], names: _Making) -> None:
    current = kind.told(row, names)
    fields = [field for field in kind.fields if field.when == "always" and not field.fixed]
    if not kind.whole:
        beside = {other for field in fields if field.name in changed for other in field.beside}
        fields = [field for field in fields if field.name in changed | beside]
    whole: dict[str, Any] = {**current, **spec}
    body = kind.sent({field.name: whole[field.name] for field in fields if field.name in whole}, names)
    if not body:
        return
    if kind.whole:
        body |= kind.identity(_name(kind, row, names), names)
    inventory.client.call(endpoint(kind.update), {**body, **kind.also}, **_path(kind, row))


def _name(kind: Kind, row: Row, names: _Making) -> str:
    return str(kind.name_of(row, names))


def _path(kind: Kind, row: Row) -> dict[str, Any]:
    return {name: value for name, value in kind.path(row).items() if name in endpoint(kind.update).names}


def _delete(inventory: Inventory, kind: Kind, row: Row | None) -> None:
    if row is None:
        return
    with suppress(NotFound):  # it went with another
        inventory.client.call(endpoint(kind.delete), **kind.path(row))
