"""The one place where all causes are tried, in the order in which they decide."""

from collections.abc import Callable
from typing import Final

from podium.db.unit import Tx
from podium.server.errors import NotFound
from podium.server.operations.explaining import under_way, waiting
from podium.server.operations.explaining.subject import Subject
from podium.server.queries.explanations import read_subject
from podium.wire.explain import CODES, Code, Explanation, Reason

CHECKS: Final[dict[Code, Callable[[Subject], Reason | None]]] = {
    code: getattr(under_way, code, None) or getattr(waiting, code) for code in CODES if code != "next_poll"
}
"""What tells of each cause whether it holds."""


def explain_flow_run(tx: Tx, run_id: str) -> Explanation:
    """Why a run is where it is, all causes that hold, the one that decides first. ``NotFound`` without the run."""
    row = read_subject(tx, run_id)
    if row is None:
        raise NotFound("Flow run not found")
    subject = Subject(tx, row)
    reasons = [reason for check in CHECKS.values() if (reason := check(subject)) is not None]
    if not any(_decides(reason) for reason in reasons):
        reasons.append(waiting.next_poll(subject))
        reasons.sort(key=lambda reason: reason.code != "next_poll")
    return Explanation(
        flow_run_id=row["id"],
        name=row["name"],
        state_type=row["state_type"],
        state_name=row["state_name"],
        since=row["state_timestamp"],
        asked=tx.now,
        reasons=reasons,
    )


BESIDE: Final[frozenset[Code]] = frozenset({"clock_skew", "service_stopped", "schedules_paused"})
"""What may be so and still keeps no run from being started."""


def _decides(reason: Reason) -> bool:
    return reason.code not in BESIDE
