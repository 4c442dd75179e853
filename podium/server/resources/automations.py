"""Automations over HTTP."""

import asyncio

from podium.db.unit import Row
from podium.server.automations.trial import try_automation
from podium.server.errors import InvalidRequest, MissingObject
from podium.server.events.intake import BadEvent, Limits, checked_event
from podium.server.http.call import Call
from podium.server.operations.automation_checks import check_automation
from podium.server.operations.automations import (
    change_automation,
    create_automation,
    delete_automation,
    delete_owned_automations,
)
from podium.server.operations.notifications import replace_free_automation
from podium.server.queries import filter_targets, generic, sorting
from podium.server.queries.automation_firings import read_firings, read_refusals
from podium.server.queries.automations import AUTOMATIONS, owned_automations, related_automations
from podium.server.queries.filtering import conditions
from podium.wire import automation_firings
from podium.wire import automations as wire


async def add_automation(call: Call, body: wire.AutomationCreate) -> Row:
    check_automation(body)
    row: Row = await call.write(create_automation, body)
    return row


async def read_automation(call: Call) -> Row:
    row: Row | None = await call.read(generic.find, AUTOMATIONS, call.path["id"])
    if row is None:
        raise MissingObject(f"Automation {call.path['id']} not found")
    return row


async def list_automations(call: Call, body: wire.AutomationQuery) -> list[Row]:
    limit = call.limit(body.limit)
    where = conditions(filter_targets.AUTOMATIONS, body)
    order = sorting.AUTOMATIONS[body.sort]
    rows: list[Row] = await call.read(generic.page, AUTOMATIONS, where, order, limit, body.offset)
    return rows


async def count_automations(call: Call, body: wire.AutomationCountQuery) -> int:
    total: int = await call.read(generic.count, AUTOMATIONS, conditions(filter_targets.AUTOMATIONS, body))
    return total


async def list_related(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(related_automations, call.path["resource_id"])
    return rows


async def put_automation(call: Call, body: wire.AutomationUpdate) -> None:
    check_automation(body)
    await call.write(replace_free_automation, call.path["id"], body)


async def patch_automation(call: Call, body: wire.AutomationPartialUpdate) -> None:
    await call.write(change_automation, call.path["id"], body.sent())


async def remove_automation(call: Call) -> None:
    await call.write(delete_automation, call.path["id"])


async def remove_owned(call: Call) -> None:
    """Called at every deploy, mostly for resources that own nothing: then no write."""
    if await call.read(owned_automations, call.path["resource_id"]):
        await call.write(delete_owned_automations, call.path["resource_id"])


async def list_firings(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(read_firings, call.path["id"], call.limit(call.query.limit), call.query.offset)
    return rows


async def list_refusals(call: Call) -> list[Row]:
    rows: list[Row] = await call.read(read_refusals, call.path["id"], call.limit(call.query.limit), call.query.offset)
    return rows


async def try_one(call: Call, body: automation_firings.AutomationTest) -> automation_firings.AutomationTestResult:
    check_automation(body.automation)
    limits = Limits.of(call.runtime.settings)
    try:
        events = [checked_event(each, limits) for each in body.events]
    except BadEvent as error:
        raise InvalidRequest(
            [{"type": "value_error", "loc": ["body", "events"], "msg": str(error), "input": None}]
        ) from None
    return await asyncio.to_thread(try_automation, body.automation, events, body.now)


ROUTES = (
    (automation_firings.FIRINGS, list_firings),
    (automation_firings.REFUSALS, list_refusals),
    (automation_firings.TEST, try_one),
    (wire.CREATE, add_automation),
    (wire.READ, read_automation),
    (wire.FILTER, list_automations),
    (wire.COUNT, count_automations),
    (wire.LIST_RELATED, list_related),
    (wire.REPLACE, put_automation),
    (wire.UPDATE, patch_automation),
    (wire.DELETE, remove_automation),
    (wire.DELETE_OWNED, remove_owned),
)
