"""Creating, changing and deleting variables."""

from collections.abc import Mapping
from typing import Any

from podium.db.unit import Row, Tx
from podium.server.errors import Conflict, NotFound
from podium.server.events.lifecycle import variable_event
from podium.server.queries.generic import add_if_absent, change, find_by, get_by, take_out
from podium.server.queries.variables import VARIABLES


def create_variable(tx: Tx, values: Mapping[str, Any]) -> Row:
    """Stores a variable; ``Conflict`` when its name is taken."""
    variable = add_if_absent(tx, VARIABLES, values)
    if variable is None:
        raise Conflict(f"A variable with the name {values['name']!r} already exists.")
    tx.emit(variable_event("created", variable, tx.now))
    return variable


def change_variable(tx: Tx, variable_id: str, values: Mapping[str, Any]) -> None:
    """Sets columns of a variable; ``NotFound`` without one, ``Conflict`` when another has the new name."""
    name = values.get("name")
    namesake = find_by(tx, VARIABLES, name=name) if name is not None else None
    if namesake is not None and namesake["id"] != variable_id:
        raise Conflict(f"A variable with the name {name!r} already exists.")
    variable = change(tx, VARIABLES, variable_id, values)
    if variable is None:
        raise NotFound("Variable not found")
    tx.emit(variable_event("updated", variable, tx.now))


def change_variable_by_name(tx: Tx, name: str, values: Mapping[str, Any]) -> None:
    """``change_variable`` for the one with this name."""
    change_variable(tx, get_by(tx, VARIABLES, name=name)["id"], values)


def delete_variable(tx: Tx, variable_id: str) -> None:
    """Deletes a variable; ``NotFound`` without one."""
    variable = take_out(tx, VARIABLES, variable_id)
    if variable is None:
        raise NotFound("Variable not found")
    tx.emit(variable_event("deleted", variable, tx.now))


def delete_variable_by_name(tx: Tx, name: str) -> None:
    """``delete_variable`` for the one with this name."""
    delete_variable(tx, get_by(tx, VARIABLES, name=name)["id"])
