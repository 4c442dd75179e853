"""Does what automations are to do: each action once, in order, whatever dies in between.

An action's effect, the note that it is done and its events are one unit of work. One that meets an unexpected error is
put off, and given up in the end; the later ones of its firing wait for it.
"""

import asyncio
import importlib
import logging
from time import monotonic
from typing import Any

import msgspec
from sqlalchemy import bindparam, exists, or_, select

from podium.db.errors import DatabaseUnavailable
from podium.db.prepared import Prepared
from podium.db.tables.automations import automation_actions
from podium.db.unit import WORKSPACE, Row, Tx
from podium.server.automations.firing import ACTIONS
from podium.server.automations.invocation import ActionFailed, Effect, read_invocation
from podium.server.automations.outcomes import done, not_done, put_off
from podium.server.notifications.queue import DELIVERIES
from podium.server.refusals import refusal_of
from podium.server.runtime import Runtime
from podium.server.services.glance import Look

logger = logging.getLogger("podium.server.services")

NAME = "actions"
BATCH = 100
AT_ONCE = 10
LONGEST_WAIT = 5.0
ROUND = 30.0

_ACTION = automation_actions.c
_earlier = automation_actions.alias("earlier")
_DUE = (
    _ACTION.state == "pending",
    or_(_ACTION.not_before.is_(None), _ACTION.not_before <= bindparam("now")),
    ~exists().where(
        _earlier.c.state == "pending",
        _earlier.c.firing_id == _ACTION.firing_id,
        _earlier.c.position < _ACTION.position,
        _earlier.c.not_before > bindparam("now"),
    ),
)
_WAITING = Prepared(
    select(_ACTION.position, _ACTION.id, _ACTION.workspace_id, _ACTION.firing_id, _ACTION.action)
    .where(*_DUE)
    .order_by(_ACTION.position)
    .limit(bindparam("batch"))
)
LOOK = Look((select(_ACTION.position).where(*_DUE[:2]),))
_TAKE = Prepared(
    select(automation_actions)
    .where(
        _ACTION.position == bindparam("place"),
        _ACTION.workspace_id == WORKSPACE,
        *_DUE[:2],
        ~exists().where(
            _earlier.c.state == "pending",
            _earlier.c.firing_id == _ACTION.firing_id,
            _earlier.c.position < _ACTION.position,
        ),
    )
    .with_for_update(of=automation_actions, skip_locked=True)
)


async def do_actions(runtime: Runtime) -> None:
    """One round: does what waits, until there was nothing for a while; it may be cancelled anywhere."""
    nothing_waits = runtime.glance is not None and not await runtime.glance.may_find(NAME)
    if nothing_waits and not await runtime.bus.wait(ACTIONS, LONGEST_WAIT):
        return
    end = monotonic() + ROUND
    while monotonic() < end:
        if not await do_waiting(runtime) and not await runtime.bus.wait(ACTIONS, LONGEST_WAIT):
            return


def waiting(tx: Tx, batch: int = BATCH) -> list[Row]:
    """The actions of every workspace that may be done now, the oldest first."""
    return tx.all(_WAITING, now=tx.now, batch=batch)


async def do_waiting(runtime: Runtime) -> int:
    """Does what waits now, the actions of a firing and those on one target in their order; how many it tried."""
    rows: list[Row] = await runtime.database.read(waiting)
    if rows:
        # Loaded on use, beside the event loop and before a unit needs it: a server that does no action starts sooner.
        await asyncio.to_thread(importlib.import_module, "podium.server.automations.actions")
    turns = asyncio.Semaphore(AT_ONCE)
    last: dict[str, asyncio.Task[bool]] = {}

    async def after(earlier: set[asyncio.Task[bool]], row: Row) -> bool:
        if earlier:
            await asyncio.wait(earlier)
        async with turns:
            return await _do(runtime, row)

    tasks = []
    for row in rows:
        keys = _keys(row)
        task = asyncio.create_task(after({last[key] for key in keys if key in last}, row))
        last.update(dict.fromkeys(keys, task))
        tasks.append(task)
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    for each in ended:
        if isinstance(each, BaseException):
            raise each
    return sum(map(bool, ended))


def _keys(row: Row) -> list[str]:
    """What an action shares with others that it may not overtake: its firing, and what it acts on."""
    action: dict[str, Any] = msgspec.json.decode(row["action"])
    chosen = [value for name, value in action.items() if name.endswith("_id") and value]
    return [row["firing_id"], *(chosen or [action["type"].rpartition("-")[2]])]


async def _do(runtime: Runtime, row: Row) -> bool:
    """Does an action unless somebody else does; whether it was tried."""
    database, workspace_id = runtime.database, row["workspace_id"]
    try:
        effect: Effect | None = await database.write(perform, row["position"], workspace_id=workspace_id)
    except DatabaseUnavailable:
        raise
    except Exception as error:
        logger.exception("An action cannot be done")
        reason = f"{type(error).__name__}: {error}"
        await database.write(put_off_unless_done, row["position"], reason, workspace_id=workspace_id)
        return True
    if effect is None:
        return False
    if effect.sends:
        runtime.bus.wake(DELIVERIES)
    for unit, argument in effect.afterwards:
        await database.write(unit, argument, workspace_id=workspace_id)
    return True


def perform(tx: Tx, position: int) -> Effect | None:
    """Does the action at this position; None when it is not to be done now, or another process is about to.

    Raises what it did not expect: then nothing of it is done.
    """
    # Loaded on use, as above.
    from podium.server.automations.actions import PERFORM

    row = tx.one(_TAKE, place=position, now=tx.now)
    if row is None:
        return None
    effect = Effect()
    try:
        with tx.part():
            invocation = read_invocation(row)
            PERFORM[type(invocation.action)](tx, invocation, effect)
    except Exception as error:
        reason = _reason(error, row, effect)
        if reason is None:
            raise
        not_done(tx, row, Effect(effect.details, effect.related), reason)
        return Effect()
    done(tx, row, effect)
    return effect


def _reason(error: Exception, row: Row, effect: Effect) -> str | None:
    """Why an action cannot be done, None for an error that may pass."""
    if isinstance(error, ActionFailed):
        return error.reason
    problem = refusal_of(error)
    if problem is None or problem.status >= 500 or problem.status == 423:
        return None
    effect.details["status_code"] = problem.status
    kind = msgspec.json.decode(row["action"])["type"]
    if problem.status in (409, 422):
        return f"Validation error occurred for {kind!r} - {problem.detail}"
    return f"Unexpected status from {kind!r} action: {problem.status} ({problem.detail})"


def put_off_unless_done(tx: Tx, position: int, reason: str) -> None:
    """Tries the action later, or gives it up after the last attempt."""
    row = tx.one(_TAKE, place=position, now=tx.now)
    if row is not None:
        put_off(tx, row, reason)
