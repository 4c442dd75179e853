"""Deliveries in the database: which are due, who sends one, and how it ended. Every function is a unit or part of one.

Those of a channel are sent in the order of their positions, one at a time: only the first that waits can be claimed. A
claim runs out, so that what a process had when it died is sent by another.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Select, bindparam, literal_column, or_, select, update
from sqlalchemy.exc import DBAPIError

from podium.db.dialect import of_most
from podium.db.tables.notifications import notification_deliveries
from podium.db.types import Json, Timestamp, decoded
from podium.db.unit import WORKSPACE, Row, Tx
from podium.profiles.sections.notifications import Notifications
from podium.server.automations import outcomes
from podium.server.notifications.blocks import Block, load_block
from podium.server.notifications.outcome import Failed, Outcome
from podium.server.notifications.queue import Kind, Message

logger = logging.getLogger("podium.server.notifications")

MARGIN = 10.0
"""Seconds that a claim outlasts what sending may take."""

FEWEST = 5
"""Attempts that a message gets however long it has waited behind others."""

JITTER = 0.2

_D = notification_deliveries.c
_WAITING = _D.state == "waiting"
_DUE = (
    or_(_D.not_before.is_(None), _D.not_before <= bindparam("now")),
    or_(_D.claimed_until.is_(None), _D.claimed_until <= bindparam("now")),
)


def _first(where: Callable[[Any], Sequence[Any]]) -> Any:
    """The position of the first that waits in the first channel of those ``where`` leaves, by the index of what waits.

    The index alone is in the order of channel and position, so that no database walks all positions instead.
    """
    row = notification_deliveries.alias()
    waiting = of_most(row.c.state == literal_column("'waiting'"))
    found = select(row.c.position).where(waiting, *where(row.c)).order_by(row.c.channel, row.c.position).limit(1)
    return found.scalar_subquery()


def _heads() -> Select[Any]:
    """The first that waits of each channel. Steps from channel to channel, however many wait in each."""
    columns = (_D.channel, _D.position)
    heads = select(*columns).where(_D.position == _first(lambda _: ())).cte("heads", recursive=True)
    further = _first(lambda row: (row.channel > heads.c.channel,))
    heads = heads.union_all(select(*columns).join_from(heads, notification_deliveries, _D.position == further))
    return select(_D.channel, _D.workspace_id, _D.not_before, _D.claimed_until).join_from(
        heads, notification_deliveries, _D.position == heads.c.position
    )


_HEADS = _heads()
_CHANNEL: BindParameter[str] = bindparam("channel")
_CLAIMABLE = (
    select(notification_deliveries)
    .where(
        _D.position == _first(lambda row: (row.channel >= _CHANNEL, row.channel <= _CHANNEL)),
        _D.workspace_id == WORKSPACE,
        _WAITING,
        *_DUE,
    )
    .with_for_update(skip_locked=True)
)
_CLAIM = (
    update(notification_deliveries)
    .where(_D.position == bindparam("place"))
    .values(
        claimed_by=bindparam("process"),
        claimed_until=bindparam("until", type_=Timestamp()),
        attempts=_D.attempts + 1,
    )
)
_OURS = (_D.position == bindparam("place"), _WAITING, _D.claimed_by == bindparam("process"))
_PROGRESS = (
    update(notification_deliveries)
    .where(*_OURS)
    .values(
        result=bindparam("progress", type_=Json(verbatim=True)), claimed_until=bindparam("until", type_=Timestamp())
    )
)
_END = (
    update(notification_deliveries)
    .where(*_OURS)
    .values(
        state=bindparam("end"),
        error=bindparam("why"),
        result=bindparam("outcome", type_=Json(verbatim=True)),
        ended=bindparam("moment", type_=Timestamp()),
        not_before=None,
        claimed_by=None,
        claimed_until=None,
    )
)
_PUT_OFF = (
    update(notification_deliveries)
    .where(*_OURS)
    .values(
        error=bindparam("why"),
        result=bindparam("outcome", type_=Json(verbatim=True)),
        not_before=bindparam("moment", type_=Timestamp()),
        claimed_by=None,
        claimed_until=None,
    )
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that this process sends, with the block it goes over; ``problem`` is why it cannot be.

    ``reached`` are the parts that were sent before. ``attempts`` counts this one.
    """

    position: int
    id: str
    workspace_id: str
    channel: str
    kind: Kind
    message: Message
    key: str
    attempts: int
    created: datetime
    action_id: str | None
    block: Block | None = None
    problem: Failed | None = None
    reached: list[str] = field(default_factory=list)


class _Progress(msgspec.Struct):
    """What is kept of the parts of a message besides the last answer."""

    reached: list[str] = []


def find_heads(tx: Tx) -> list[Row]:
    """The first that waits of each channel: ``channel``, ``workspace_id``, ``not_before``, ``claimed_until``."""
    return tx.all(_HEADS)


def claim(tx: Tx, channel: str, process: str) -> Delivery | None:
    """Takes the first delivery of a channel for ``process``; None where it is not due, another's, or there is none."""
    row = tx.one(_CLAIMABLE, channel=channel, now=tx.now)
    if row is None:
        return None
    tx.run(_CLAIM, place=row["position"], process=process, until=lease_end(tx))
    block, problem = None, None
    if row["block_document_id"] is not None:
        try:
            # An action tells by itself that it loads its block.
            block = load_block(tx, row["block_document_id"], tell=row["action_id"] is None and row["attempts"] == 0)
        except Failed as error:
            problem = error
    return Delivery(
        position=row["position"],
        id=row["id"],
        workspace_id=row["workspace_id"],
        channel=channel,
        kind=row["kind"],
        message=msgspec.json.decode(bytes(row["request"]), type=Message),
        key=row["idempotency_key"],
        attempts=row["attempts"] + 1,
        created=row["created"],
        action_id=row["action_id"],
        block=block,
        problem=problem,
        reached=decoded(row["result"], _Progress, _Progress()).reached,
    )


def lease_end(tx: Tx) -> datetime:
    """Until when a claim that is made or renewed now holds."""
    return tx.now + timedelta(seconds=tx.settings.server.notifications.timeout + MARGIN)


def note_progress(tx: Tx, delivery: Delivery, process: str, reached: list[str]) -> bool:
    """Notes which parts are sent, and renews the claim; whether it still is this process's."""
    progress = {"reached": reached}
    return tx.run(_PROGRESS, place=delivery.position, process=process, progress=progress, until=lease_end(tx)) > 0


def settle(
    tx: Tx,
    delivery: Delivery,
    process: str,
    outcome: Outcome,
    go_on: bool = True,
    chance: Callable[[], float] = random.random,
) -> tuple[str, Delivery | None]:
    """Notes how an attempt ended, and claims the next of the channel unless it is to wait or not to ``go_on``.

    Returns what became of it (``delivered``, ``waiting``, ``dead``; ``lost`` where the claim was not this process's any
    more) and the next. ``chance`` spreads the attempts of many channels.
    """
    failure, settings = outcome.failure, tx.settings.server.notifications
    ours: Row = {"place": delivery.position, "process": process}
    details = failure.result if failure else outcome.result
    kept = {**details, "reached": outcome.reached} if outcome.reached else details
    if failure is None:
        became = "delivered"
        changed = tx.run(_END, **ours, end=became, why=None, outcome=details, moment=tx.now)
    elif is_hopeless(delivery, failure, settings, tx.now):
        became = "dead"
        changed = tx.run(_END, **ours, end=became, why=failure.reason, outcome=kept, moment=tx.now)
    else:
        became = "waiting"
        wait = retry_delay(delivery.attempts, failure, settings, chance)
        changed = tx.run(_PUT_OFF, **ours, why=failure.reason, outcome=kept, moment=tx.now + wait)
    if not changed:
        return "lost", None
    if delivery.action_id is not None and became != "waiting":
        _tell_action(tx, delivery.action_id, failure, details)
    return became, claim(tx, delivery.channel, process) if go_on and became != "waiting" else None


def _tell_action(tx: Tx, action_id: str, failure: Failed | None, details: dict[str, Any]) -> None:
    """A mistake in telling it does not undo the mark: the message would be sent again."""
    try:
        with tx.part():
            if failure is None:
                outcomes.succeeded(tx, action_id, details)
            else:
                outcomes.failed(tx, action_id, failure.reason, details)
    except DBAPIError:
        raise
    except Exception:
        logger.exception("The end of action %s cannot be told", action_id)


def is_hopeless(delivery: Delivery, failure: Failed, settings: Notifications, now: datetime) -> bool:
    """Whether a failed message is not tried again: it would fail for good, or has had its attempts.

    One that waited behind another for as long as all attempts take has fewer: so a channel that is gone does not take
    that long for each of its messages.
    """
    if failure.permanent or delivery.attempts >= settings.attempts:
        return True
    age = (now - delivery.created).total_seconds()
    behind = age - (1 + JITTER) * _delays(delivery.attempts, settings)  # what its own attempts took is left out
    return delivery.attempts >= FEWEST and behind > (1 - JITTER) * _delays(settings.attempts, settings)


def _delays(attempts: int, settings: Notifications) -> float:
    """Seconds between the first and the last of so many attempts, about."""
    return sum(nominal_delay(attempt, settings) for attempt in range(1, attempts))


def nominal_delay(attempts: int, settings: Notifications) -> float:
    """Seconds to wait after so many failed attempts."""
    return float(min(settings.first_retry_delay * 2.0 ** min(attempts - 1, 60), settings.longest_retry_delay))


def retry_delay(attempts: int, failure: Failed, settings: Notifications, chance: Callable[[], float]) -> timedelta:
    """How long a message waits after a failed attempt: no less than the peer asks for."""
    spread = 1 - JITTER + 2 * JITTER * chance()
    return timedelta(seconds=max(nominal_delay(attempts, settings) * spread, failure.retry_after or 0.0))
