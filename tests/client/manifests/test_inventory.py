"""What of a server can be named."""

from collections.abc import Iterator
from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest

from podium.client.api import Client
from podium.client.errors import NotFound, Unreadable
from podium.client.manifests.inventory import Expected, Inventory
from podium.client.manifests.kind import Unresolved

MOMENT = "2026-05-06T07:08:09Z"


class Answers:
    """A server that answers with these rows, whatever is asked."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.content = msgspec.json.encode(rows)

    def pages(self, endpoint: Any, body: dict[str, Any]) -> Iterator[Any]:
        try:
            yield from msgspec.json.decode(self.content, type=endpoint.answer)
        except msgspec.ValidationError as error:
            raise Unreadable(str(error)) from None


class Lacks:
    """A server that has no such endpoint."""

    def pages(self, endpoint: Any, body: dict[str, Any]) -> Iterator[Any]:
        raise NotFound(404, "Not Found")


def automation(name: str, action: str, created: str = MOMENT) -> dict[str, Any]:
    trigger = {"type": "event", "posture": "Reactive"}
    row = {"id": str(uuid4()), "created": created, "updated": MOMENT, "name": name}
    return {**row, "trigger": trigger, "actions": [{"type": action}]}


def inventory_of(server: Any) -> Inventory:
    found = Inventory(cast(Client, server))
    found._rows["notification"], found._ids["notification"] = {}, {}
    return found


def test_what_only_a_newer_server_knows_is_skipped_and_the_others_are_read() -> None:
    """With the reason."""
    inventory = inventory_of(Answers(automation("good", "do-nothing"), automation("new", "make-coffee")))
    assert list(inventory.rows("automation")) == ["good"]
    (skipped,) = inventory.skipped
    assert (skipped.kind, skipped.name) == ("automation", "new")
    assert "make-coffee" in skipped.reason


def test_the_oldest_of_a_name_has_it_alone() -> None:
    """Whatever the order in which they are listed."""
    later, first = automation("x", "do-nothing", "2026-06-01T00:00:00Z"), automation("x", "do-nothing")
    inventory = inventory_of(Answers(later, first))
    assert inventory.id_of("automation", "x") == first["id"]
    assert inventory.name_of("automation", later["id"]) == "x (2)"


def test_a_server_of_another_make_has_no_webhooks() -> None:
    """And everybody has variables."""
    assert inventory_of(Lacks()).rows("webhook") == {}
    with pytest.raises(NotFound):
        inventory_of(Lacks()).rows("variable")


def test_names_of_what_is_declared_stand_in() -> None:
    """An id, and the name again; what is nowhere is told."""
    names = Expected(inventory_of(Answers()), {"variable": {"x"}})
    assert names.name_of("variable", names.id_of("variable", "x")) == "x"
    with pytest.raises(Unresolved, match="there is no variable 'y', and none is to be made"):
        names.id_of("variable", "y")
