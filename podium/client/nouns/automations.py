"""Automations, and their triggers and actions in a few words."""

from typing import TYPE_CHECKING, Any

from podium.client.errors import NotFound
from podium.client.nouns.choosing import Missing, by_name
from podium.client.nouns.noun import Action, Column, Edits, Filter, Names, Noun, endpoint, nested
from podium.client.nouns.values import is_id

if TYPE_CHECKING:
    from podium.client.api import Client


def find(client: "Client", given: str) -> Any:
    """The automation of this id, or of a name that is no other's. Raises NotFound."""
    if is_id(given):
        try:
            return client.call(endpoint("automations.READ"), id=given)
        except NotFound:
            raise Missing("automation", given, "automation") from None
    same = client.call(endpoint("automations.FILTER"), {**nested("automations.name.any_", [given]), "limit": 2})
    if len(same) > 1:
        raise NotFound(404, f"There are several automations named {given!r}; give an id of `podium automation ls`.")
    if not same:
        raise Missing("automation", given, "automation")
    return same[0]


def _enable(client: "Client", automation: Any, enabled: bool) -> None:
    client.call(endpoint("automations.UPDATE"), {"enabled": enabled}, id=automation.id)


def _pause(client: "Client", automation: Any) -> None:
    _enable(client, automation, False)


def _resume(client: "Client", automation: Any) -> None:
    _enable(client, automation, True)


def _delete(client: "Client", automation: Any) -> None:
    client.call(endpoint("automations.DELETE"), id=automation.id)


def status(row: Any, names: Names) -> str:
    """Whether it is at work."""
    return "active" if row.enabled else "paused"


def trigger_text(trigger: Any) -> str:
    """A trigger in a few words: ``prefect.flow-run.Failed``, ``5 times x within 60s``, ``no x within 30s``."""
    inner = getattr(trigger, "triggers", None)
    if inner is not None:
        require = getattr(trigger, "require", None)
        joint = " then " if require is None else " or " if require in ("any", 1) else " and "
        text = joint.join(trigger_text(each) for each in inner)
        return f"{require} of: {text}" if isinstance(require, int) and 1 < require < len(inner) else text
    names = ", ".join(trigger.expect) or "any event"
    within = f" within {trigger.within:g}s" if trigger.within else ""
    if trigger.posture == "Proactive":
        least = "no" if trigger.threshold == 1 else f"fewer than {trigger.threshold}"
        after = f" after {', '.join(trigger.after)}" if trigger.after else ""
        return f"{least} {names}{within}{after}"
    times = f"{trigger.threshold} times " if trigger.threshold != 1 else ""
    return f"{times}{names}{within}"


def _trigger(row: Any, names: Names) -> str:
    return trigger_text(row.trigger)


def _actions(row: Any, names: Names) -> list[str]:
    return [str(each.__struct_config__.tag) for each in row.actions]


def _whole(part: str) -> Any:
    """A part of an automation as JSON."""

    def built(row: Any, names: Names) -> Any:
        import msgspec

        return msgspec.to_builtins(getattr(row, part))

    return built


FIELDS = (
    "name",
    "description",
    "enabled",
    "tags",
    "trigger",
    "actions",
    "actions_on_trigger",
    "actions_on_resolve",
)
"""What of an automation can be changed."""

AUTOMATION = Noun(
    name="automation",
    plural="automations",
    list="automations.FILTER",
    columns=(
        Column("name", cut=True),
        Column("status", status, kind="state"),
        Column("trigger", _trigger, cut=True),
        Column("actions", _actions, kind="list", cut=True, rank=1),
        Column("tags", kind="list", cut=True, rank=2),
        Column("id", kind="id", rank=3),
    ),
    detail=(
        Column("description"),
        Column("trigger in full", _whole("trigger"), kind="json"),
        Column("actions in full", _whole("actions"), kind="json"),
        Column("actions on trigger", _whole("actions_on_trigger"), kind="json"),
        Column("actions on resolve", _whole("actions_on_resolve"), kind="json"),
        Column("created", kind="moment"),
        Column("updated", kind="moment"),
    ),
    find=find,
    key="id",
    label="name",
    metavar="ID|NAME",
    filters=(
        by_name(),
        Filter(("--tag", "-t"), "Only those with this tag; several: with all.", "automations.tags.all_", metavar="TAG"),
        Filter(
            ("--paused/--active",),
            "Only those that are paused, or that are not.",
            keep=lambda row, wanted: row.enabled != wanted,
            kind="flag",
        ),
    ),
    sorts={"name": "NAME_ASC", "-name": "NAME_DESC", "created": "CREATED_DESC", "updated": "UPDATED_DESC"},
    actions=(
        Action("pause", "Paused", "Pause automations: they do not fire.", _pause),
        Action("resume", "Resumed", "Resume paused automations.", _resume),
        Action("delete", "Deleted", "Delete automations.", _delete, asks=True),
    ),
    edits=Edits("automations.REPLACE", FIELDS, always=FIELDS, as_json="--from-json"),
)
