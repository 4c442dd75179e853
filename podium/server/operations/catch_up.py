"""What becomes of slots whose time has passed: the catch-up policies of deployments.

A tag of the deployment chooses, or for all that have none the setting ``server.services.scheduler.catchup``:

* ``podium.catchup:all``: every slot gets its run, also those for which the scheduler was away; late runs all start.
* ``podium.catchup:latest`` (or ``podium.catchup``): of the slots of a schedule that have passed only the latest runs.
* ``podium.catchup:none``: what did not start in time does not start.

Without any of them slots that passed while the scheduler was away get no run, and late runs all start.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, get_args

import msgspec

from podium.db.types import plain
from podium.db.unit import Row, Tx
from podium.server.operations.schedules import Schedule, dates, last_dates
from podium.server.queries import late_runs as queries

CatchUp = Literal["all", "latest", "none"]

TAG = "podium.catchup"
TAGS: dict[str, CatchUp] = {TAG: "latest", **{f"{TAG}:{policy}": policy for policy in get_args(CatchUp)}}

REASONS = {
    "latest": "Skipped: a later run of its schedule was due (catch-up policy: latest).",
    "none": "Skipped: it did not start in time (catch-up policy: none).",
}

_TAG_BYTES = TAG.encode()


def policy_of(tags: Any, default: CatchUp | None) -> CatchUp | None:
    """The policy of a deployment with these tags; None where it has none. Of several tags the first counts."""
    if isinstance(tags, msgspec.Raw) and _TAG_BYTES not in bytes(tags):
        return default
    return next((TAGS[tag] for tag in plain(tags) or () if tag in TAGS), default)


def missed_dates(
    schedule: Schedule,
    until: tuple[datetime, datetime | None],
    now: datetime,
    policy: CatchUp | None,
    *,
    short: timedelta,
    most: int,
) -> list[datetime]:
    """The dates before ``now`` that shall have a run yet, ascending; ``until`` is when they are filled and promised.

    Those that are promised had one before an edit. A gap of at most ``short`` behind them is no outage: a pass that
    comes after an edit, or a little late, fills it as a whole. After an outage there are at most ``most`` runs, of the
    latest dates.
    """
    filled, promised = until
    first, last = filled + timedelta(microseconds=1), now - timedelta(microseconds=1)
    if first > last:
        return []
    if now - max(filled, promised or filled) <= short:
        return list(dates(schedule, first, last))
    if promised is not None and promised >= first:
        rest = missed_dates(schedule, (promised, None), now, policy, short=short, most=most)
        return [*dates(schedule, first, promised), *rest]
    if policy not in ("all", "latest"):
        return []
    return last_dates(schedule, first, last, most if policy == "all" else min(most, 1))


def skip_reason(tx: Tx, run: Row, policy: CatchUp | None) -> str | None:
    """Why a scheduled run must not start any more; None when it may.

    ``run`` has id, deployment_id, state_name, run_count, expected_start_time and next_scheduled_start_time. Only runs
    that the scheduler made, that are late and never got anywhere are looked at.
    """
    if policy not in REASONS or run["run_count"] or run["state_name"] not in queries.WAITING:
        return None
    date = run["next_scheduled_start_time"]
    if date is None or date != run["expected_start_time"] or date > late_before(tx):
        return None
    made = queries.slot_of(tx, run["id"])
    if made is None:
        return None
    if policy == "latest" and not queries.has_later(tx, run["deployment_id"], made, date):
        return None
    return REASONS[policy]


def late_before(tx: Tx) -> datetime:
    """Runs of this time or earlier are late."""
    return tx.now - timedelta(seconds=tx.settings.server.services.late_runs.after_seconds)


def runs_to_skip(tx: Tx, deployment: Row, limit: int) -> list[Row]:
    """The late runs of a deployment that its policy does not want any more (id, state_id, date), oldest first."""
    policy = policy_of(deployment["tags"], tx.settings.server.services.scheduler.catchup)
    if policy not in REASONS:
        return []
    late = queries.late_runs(tx, deployment["id"], late_before(tx), limit)
    if policy == "latest" and late:
        latest = queries.latest_slots(tx, deployment["id"], late[0]["date"])
        late = [run for run in late if run["date"] < latest[run["schedule"]]]
    return late
