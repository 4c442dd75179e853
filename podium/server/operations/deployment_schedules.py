"""The schedules of a deployment: storing those a client sends, by slug where there are slugs.

A schedule that takes the place of one with the same timing goes on where that was, so that a slot which comes while
a deployment is deployed again and again is neither missed nor filled twice. Any other begins now: nothing is filled
that lies before.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import bindparam, delete, update

from podium.db.tables.deployments import deployment_schedules
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.errors import Invalid, InvalidRequest, NotFound
from podium.server.operations.schedule_timing import timing
from podium.server.operations.scheduled_run_removal import remove_scheduled_runs
from podium.server.operations.schedules import completed
from podium.server.queries.deployments import (
    add_schedules,
    check_exists,
    delete_schedules,
    reopen_schedules,
    schedule_places,
    schedules_of,
)
from podium.wire.schedules import DeploymentScheduleCreate, DeploymentScheduleUpdate

_OWN = (
    deployment_schedules.c.id == bindparam("schedule_id"),
    deployment_schedules.c.deployment_id == bindparam("of_deployment"),
    deployment_schedules.c.workspace_id == WORKSPACE,
)
_DELETE = delete(deployment_schedules).where(*_OWN)


def schedule_values(tx: Tx, sent: DeploymentScheduleCreate | DeploymentScheduleUpdate, place: tuple[Any, ...]) -> Row:
    """The columns of a schedule that were sent and are not null.

    ``place`` is where in the body it stands, for the ``InvalidRequest`` about a schedule that cannot be read.
    """
    values = {}
    for name in ("schedule", "active", "max_scheduled_runs", "parameters", "slug"):
        value = getattr(sent, name)
        if value is not None and value is not msgspec.UNSET:
            values[name] = value
    most = tx.settings.server.deployment_schedule_max_scheduled_runs
    if values.get("max_scheduled_runs", 0) > most:
        raise _refused((*place, "max_scheduled_runs"), f"at most {most}", values["max_scheduled_runs"])
    if "schedule" in values:
        given = msgspec.structs.asdict(values["schedule"])
        try:
            values["schedule"] = completed(given, tx.now)
        except ValueError as error:
            raise _refused((*place, "schedule"), str(error), given) from None
    return values


def _refused(place: tuple[Any, ...], message: str, given: Any) -> InvalidRequest:
    return InvalidRequest([{"type": "value_error", "loc": ["body", *place], "msg": message, "input": given}])


def new_schedules(
    tx: Tx, sent: Sequence[DeploymentScheduleCreate | DeploymentScheduleUpdate], place: tuple[Any, ...] = ()
) -> list[Row]:
    """The rows of schedules to add; ``Invalid`` for one that says nothing of when."""
    return [_new(schedule_values(tx, each, (*place, number))) for number, each in enumerate(sent)]


def _new(values: Row) -> Row:
    if "schedule" not in values:
        raise Invalid("A new schedule of a deployment needs a `schedule`.")
    return {"active": True, "max_scheduled_runs": None, "parameters": {}, "slug": None, **values}


def set_schedules(tx: Tx, deployment_id: str, rows: Sequence[Row], *, anew: bool = False) -> None:
    """Gives a deployment these schedules (``new_schedules``) in place of all it has; ``anew``: they all begin now."""
    replaced = schedule_places(tx, deployment_id).values()
    delete_schedules(tx, deployment_id)
    add_schedules(tx, deployment_id, _placed(tx, rows, (), () if anew else replaced))


def _placed(tx: Tx, rows: Sequence[Row], beside: Iterable[Row], replaced: Iterable[Row] = ()) -> list[Row]:
    """The schedules with their timing and the moment from which they are to be filled."""
    taken = {place["timing"] for place in beside}
    inherited = {place["timing"]: _left_open(tx, place) for place in replaced if place["active"]}
    placed = []
    for row in rows:
        found = timing(row["schedule"], taken)
        taken.add(found)
        placed.append({**row, "timing": found, **inherited.get(found, _begun(tx))})
    return placed


def _begun(tx: Tx) -> Row:
    """The place of a schedule that begins now."""
    return {"filled_until": tx.now, "promised_until": None}


def _left_open(tx: Tx, place: Row) -> Row:
    """The same place once its runs ahead are removed: their slots are promised."""
    filled, promised = place["filled_until"], place["promised_until"]
    if filled is None:
        return _begun(tx)
    return {"filled_until": min(filled, tx.now), "promised_until": max(filled, promised or filled)}


def replace_schedules(tx: Tx, deployment_id: str, sent: Sequence[DeploymentScheduleUpdate]) -> None:
    """Gives a deployment these schedules.

    Where all that it has and all that were sent have slugs, they are merged by slug: those not sent stay, and one that
    ``replaces`` another takes its place. ``Invalid`` when only the stored ones have slugs.
    """
    stored = schedules_of(tx, deployment_id)
    by_slug = {schedule["slug"]: schedule["id"] for schedule in stored}
    if not stored or None in by_slug:
        set_schedules(tx, deployment_id, new_schedules(tx, sent, ("schedules",)))
        return
    if not all(schedule.slug for schedule in sent):
        raise Invalid("The schedules of this deployment have slugs; give every schedule that you send its slug.")
    for number, schedule in enumerate(sent):
        values = schedule_values(tx, schedule, ("schedules", number))
        schedule_id = by_slug.get(schedule.replaces or schedule.slug)
        if schedule_id is None:
            places = schedule_places(tx, deployment_id).values()
            add_schedules(tx, deployment_id, _placed(tx, [_new(values)], places))
        else:
            _set(tx, deployment_id, schedule_id, values)


def _set(tx: Tx, deployment_id: str, schedule_id: str, values: Row) -> bool:
    """Sets columns of a schedule; whether there is such a one."""
    places = schedule_places(tx, deployment_id)
    before = places.pop(schedule_id, None)
    if before is None:
        return False
    found = before["timing"]
    if "schedule" in values:
        found = timing(values["schedule"], {place["timing"] for place in places.values()})
    changes = {**values, "timing": found, "updated": tx.now}
    if found != before["timing"] or not before["active"]:
        changes |= _begun(tx)
    statement = update(deployment_schedules).where(*_OWN).values(changes)
    return tx.run(statement, schedule_id=schedule_id, of_deployment=deployment_id) > 0


def create_schedules(tx: Tx, deployment_id: str, sent: Sequence[DeploymentScheduleCreate]) -> list[Row]:
    """Adds schedules to a deployment and answers them; ``NotFound`` without it, 409 when a slug is taken."""
    check_exists(tx, deployment_id, lock=True)
    places = schedule_places(tx, deployment_id).values()
    return add_schedules(tx, deployment_id, _placed(tx, new_schedules(tx, sent), places))


def change_schedule(tx: Tx, deployment_id: str, schedule_id: str, sent: DeploymentScheduleUpdate) -> None:
    """Sets what was sent of a schedule; the future runs of the deployment are made anew. ``NotFound`` without it."""
    check_exists(tx, deployment_id, lock=True)
    if not _set(tx, deployment_id, schedule_id, schedule_values(tx, sent, ())):
        raise NotFound("Schedule not found.")
    remove_scheduled_runs(tx, [deployment_id], auto_only=True, future_only=True)
    reopen_schedules(tx, [deployment_id])


def delete_schedule(tx: Tx, deployment_id: str, schedule_id: str) -> None:
    """Deletes a schedule and all runs that were scheduled for its deployment; ``NotFound`` without it."""
    check_exists(tx, deployment_id, lock=True)
    if not tx.run(_DELETE, schedule_id=schedule_id, of_deployment=deployment_id):
        raise NotFound("Schedule not found.")
    remove_scheduled_runs(tx, [deployment_id], auto_only=True)
    reopen_schedules(tx, [deployment_id])
