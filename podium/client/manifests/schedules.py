"""The schedules, labels and limits of deployments."""

from typing import TYPE_CHECKING, Any, Final

import msgspec

from podium.client.manifests.kind import Comparison, Difference, Form, Names, Row, Sending, Spec, differences
from podium.client.nouns.noun import endpoint

if TYPE_CHECKING:
    from podium.client.api import Client

OWN_LIMIT: Final = "deployment:"
"""What the names of limits of single deployments begin with."""
_FIELDS: Final = ("slug", "schedule", "active", "max_scheduled_runs", "parameters")
_RULE: Final = ("cron", "day_or", "interval", "anchor_date", "rrule", "timezone")


def _order(schedule: Any) -> tuple[str, bytes]:
    return str(schedule.get("slug") or ""), msgspec.json.encode(schedule, order="sorted")


def _told(value: Any, names: Names) -> Any:
    """Schedules in a stable order, without what the server makes of them."""
    if not isinstance(value, list):
        return value
    told = [{key: each[key] for key in _FIELDS if each.get(key) is not None} for each in value]
    for each in told:
        rule = each.get("schedule")
        if isinstance(rule, dict):
            each["schedule"] = {key: part for key, part in rule.items() if part is not None}
    return sorted(told, key=_order)


def _sent(value: Any, names: Names) -> Any:
    for each in value if isinstance(value, list) else ():
        rule = each.get("schedule") if isinstance(each, dict) else None
        unknown = [key for key in rule if key not in _RULE] if isinstance(rule, dict) else []
        if unknown:
            raise ValueError(f"there is no spec.schedules.schedule.{unknown[0]}; known are {', '.join(_RULE)}")
    return value


SCHEDULES: Final = Form(_told, _sent)


def differences_of_deployments(pair: Comparison) -> list[Difference]:
    """Field by field; a schedule is as it should be where all that is wanted of it is so, in any order."""
    found = []
    for name, wanted in pair.wanted.items():
        current = pair.current.get(name)
        if name == "schedules" and isinstance(wanted, list) and isinstance(current, list):
            found += _schedules(current, wanted)
        else:
            found += differences(name, current, wanted)
    return found


def _schedules(current: list[Any], wanted: list[Any]) -> list[Difference]:
    left, missing = unmatched(current, wanted)
    if len(missing) == len(left) == 1:
        return differences("schedules[0]", left[0], missing[0])
    gone = [Difference("schedules", each, None) for each in left]
    return gone + [Difference("schedules", None, each) for each in missing]


def unmatched(current: list[Any], wanted: list[Any]) -> tuple[list[Any], list[Any]]:
    """Those that are there and not wanted, and those that are wanted and not there."""
    left, missing = list(current), []
    for each in wanted:
        match = next((there for there in left if _fits(there, each)), None)
        if match is None:
            missing.append(each)
        else:
            left = [there for there in left if there is not match]
    return left, missing


def _fits(there: Spec, wanted: Spec) -> bool:
    """What the server filled in by itself, as where intervals are counted from, is nobody's wish."""
    rule = {key: value for key, value in there["schedule"].items() if key in wanted["schedule"]}
    return {**there, "schedule": rule} == {**wanted, "schedule": dict(wanted["schedule"])}


def finish(client: "Client", sending: Sending) -> str | None:
    """Give a deployment that was there its labels, which only making it anew can, and its schedules.

    A schedule that stays keeps its id, and with it the runs that are made of it.
    """
    labels, schedules = sending.wanted.get("labels"), sending.wanted.get("schedules")
    if not sending.row or (labels is None and schedules is None):
        return None
    row = msgspec.to_builtins(client.call(endpoint("deployments.READ"), id=sending.row["id"]))
    if labels is not None and labels != own_labels(row["labels"]):
        body = {"name": row["name"], "flow_id": row["flow_id"], "labels": labels}
        kept = schedules if schedules is not None else SCHEDULES.told(row["schedules"], sending.names)
        client.call(endpoint("deployments.CREATE"), {**body, "schedules": kept})
        return None
    if schedules is None:
        return None
    ids = {each["id"]: SCHEDULES.told([each], sending.names)[0] for each in row["schedules"]}
    left, missing = unmatched(list(ids.values()), schedules)
    for schedule_id, told in ids.items():
        if any(told is each for each in left):
            client.call(endpoint("schedules.DELETE"), id=row["id"], schedule_id=schedule_id)
    if missing:
        client.call(endpoint("schedules.CREATE"), missing, id=row["id"])
    return None


def own_labels(labels: Any) -> dict[str, Any]:
    """The labels without the one that the server gives each deployment."""
    return {key: value for key, value in (labels or {}).items() if key != "prefect.flow.id"}


def with_limits(row: Row) -> Row:
    """A deployment's limit as one of its own, or as a global one by its id."""
    limit = row.get("global_concurrency_limit")
    if limit is None:
        return {**row, "concurrency_limit": None, "global_concurrency_limit_id": None}
    own = limit["name"].startswith(OWN_LIMIT)
    return {
        **row,
        "concurrency_limit": limit["limit"] if own else None,
        "global_concurrency_limit_id": None if own else limit["id"],
    }
