"""Automations: a trigger and the actions it leads to."""

from types import NoneType

from msgspec import UNSET, UnsetType

from podium.wire.actions import Action
from podium.wire.endpoint import Body, Endpoint, Filter, Patch
from podium.wire.filters import AnyId, AnyText, Before, Operator, Tags
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import OrDefault
from podium.wire.sorting import AutomationSort
from podium.wire.triggers import Trigger


class AutomationUpdate(Body):
    """What replaces an automation."""

    name: str
    trigger: Trigger
    actions: list[Action]
    description: str = ""
    enabled: bool = True
    tags: list[str] = []
    actions_on_trigger: list[Action] = []
    actions_on_resolve: list[Action] = []


class AutomationCreate(AutomationUpdate):
    """An automation to create; it goes with its ``owner_resource``, if it has one."""

    owner_resource: str | None = None


class AutomationPartialUpdate(Patch):
    """Whether an automation is to be enabled."""

    enabled: bool | UnsetType = UNSET


class Automation(Row):
    """An automation."""

    name: str
    trigger: Trigger
    actions: list[Action]
    description: str = ""
    enabled: bool = True
    tags: list[str] = []
    actions_on_trigger: list[Action] = []
    actions_on_resolve: list[Action] = []


class AutomationFilter(Filter):
    """Selects automations."""

    id: AnyId | None = None
    name: AnyText | None = None
    created: Before | None = None
    tags: Tags | None = None
    operator: Operator = "and_"


class AutomationQuery(Listing):
    """Which automations to list."""

    automations: AutomationFilter | None = None
    sort: OrDefault[AutomationSort] = "NAME_ASC"


class AutomationCountQuery(Parameters):
    """Which automations to count."""

    automations: AutomationFilter | None = None


CREATE = Endpoint(
    method="POST",
    path="/automations/",
    summary="Create an automation",
    body=AutomationCreate,
    answer=Automation,
    status=201,
    statuses=(422,),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/automations/{id}", summary="Read an automation", answer=Automation, statuses=(404, 422)
)
FILTER = Endpoint(
    method="POST",
    path="/automations/filter",
    summary="List automations",
    body=AutomationQuery,
    body_required=False,
    answer=list[Automation],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/automations/count",
    summary="Count automations",
    body=AutomationCountQuery,
    body_required=False,
    answer=int,
    statuses=(422,),
)
REPLACE = Endpoint(
    method="PUT",
    path="/automations/{id}",
    summary="Replace an automation",
    body=AutomationUpdate,
    status=204,
    statuses=(404, 422),
    further=(409,),
    permission="edit",
)
UPDATE = Endpoint(
    method="PATCH",
    path="/automations/{id}",
    summary="Enable or disable an automation",
    body=AutomationPartialUpdate,
    status=204,
    statuses=(404, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/automations/{id}",
    summary="Delete an automation",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
LIST_RELATED = Endpoint(
    method="GET",
    path="/automations/related-to/{resource_id}",
    summary="List the automations that a resource owns or is used by",
    answer=list[Automation],
    statuses=(404, 422),
)
DELETE_OWNED = Endpoint(
    method="DELETE",
    path="/automations/owned-by/{resource_id}",
    summary="Delete the automations a resource owns",
    answer=NoneType,
    status=202,
    statuses=(404, 422),
    permission="edit",
)
