"""Deleting what tells why an automation did not fire, where that is more than anybody reads."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, FromClause, bindparam, func, select

from podium.db.retention.ages import Ages
from podium.db.retention.steps import Step, delete_some
from podium.db.tables.automations import automation_refusals, automations
from podium.db.unit import Tx

KEPT = 1000
"""Refusals that are kept of an automation: an automation with ``for_each`` has some for each of its values."""

_REFUSAL = automation_refusals.c
_FIRST = select(automations.c.id).order_by(automations.c.id).limit(1)
_NEXT = _FIRST.where(automations.c.id > bindparam("begin", type_=automations.c.id.type))
_OLDEST_KEPT = (
    select(_REFUSAL.last)
    .where(_REFUSAL.automation_id == bindparam("automation"))
    .order_by(_REFUSAL.last.desc())
    .offset(KEPT - 1)
    .limit(1)
)
_NUMBERS = select(func.count().label("number")).select_from(automation_refusals).group_by(_REFUSAL.automation_id)


class ExcessRefusals:
    """Refusals of an automation beyond the newest; those of the same moment as the last one kept stay as well."""

    def step(self, tx: Tx, ages: Ages, begin: str | None, most: int) -> Step:
        """Goes on with the automation after ``begin``, once what one has too many is gone."""
        automation = tx.value(_FIRST) if begin is None else tx.value(_NEXT, begin=begin)
        if automation is None:
            return Step({}, None)
        oldest = tx.value(_OLDEST_KEPT, automation=automation)
        if oldest is None:
            return Step({}, automation)

        def where(rows: FromClause) -> Sequence[ColumnElement[bool]]:
            return [rows.c.automation_id == automation, rows.c.last < oldest]

        deleted = tx.run(delete_some(tx, automation_refusals, where, lambda rows: [rows.c.last], most))
        return Step({automation_refusals.name: deleted}, begin if deleted == most and begin else automation)

    def count(self, tx: Tx, ages: Ages) -> dict[str, int]:
        """How many there are too many, those of equal moments counted as well."""
        numbers: list[int] = tx.column(_NUMBERS)
        return {automation_refusals.name: sum(max(0, number - KEPT) for number in numbers)}
