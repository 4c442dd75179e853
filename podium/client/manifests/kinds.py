"""The only list of declared kinds, in the order in which they are made: what others name comes first."""

import html
import re
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from podium.client.manifests.block_secrets import complete, differences_of_blocks, without_secrets
from podium.client.manifests.block_types import add_schemas, differences_of_types, with_schemas
from podium.client.manifests.kind import Field, Form, Kind, Names, Row, Spec
from podium.client.manifests.references import (
    ACTIONS,
    BLOCK,
    JSON,
    TRIGGER,
    one,
    several,
)
from podium.client.manifests.schedules import (
    OWN_LIMIT,
    SCHEDULES,
    differences_of_deployments,
    finish,
    own_labels,
    with_limits,
)

TAG_LIMIT: Final = "tag:"

_NUMBERED: Final = re.compile(r"(.+) \((\d+)\)")
_ESCAPED: Final = Form(lambda value, names: value and html.unescape(value), lambda value, names: value)
_LABELS: Final = Form(
    # In the order of their names: not every database keeps another.
    lambda value, names: dict(sorted(own_labels(value).items())),
    lambda value, names: value,
)


def _known_pool(value: Any, names: Names) -> Any:
    if isinstance(value, str):
        names.id_of("work-pool", value)
    return value


POOL: Final = Form(lambda value, names: value, _known_pool)


def _parts(name: str, shape: str) -> tuple[str, str]:
    """Both halves of a name. Raises ValueError."""
    first, slash, second = name.partition("/")
    if not (slash and first and second):
        raise ValueError(f"the name is written {shape}")
    return first, second


def _in_pool(row: Row, names: Names) -> str | None:
    pool = row.get("work_pool_name")
    return f"{pool}/{row['name']}" if pool else None


def _of_pool(name: str) -> dict[str, Any]:
    return {"work_pool_name": _parts(name, "POOL/QUEUE")[0]}


def _queue_identity(name: str, names: Names) -> dict[str, Any]:
    pool, queue = _parts(name, "POOL/QUEUE")
    names.id_of("work-pool", pool)
    return {"name": queue}


def _pool_path(row: Row) -> dict[str, Any]:
    return {"name": row["name"]}


def _is_kept(row: Row, names: Names) -> bool:
    return True


def _is_default(row: Row, names: Names) -> bool:
    pool = names.rows("work-pool").get(row.get("work_pool_name") or "")
    return pool is not None and pool.get("default_queue_id") == row["id"]


def _of_flow(row: Row, names: Names) -> str | None:
    flow = names.name_of("flow", row["flow_id"])
    return f"{flow}/{row['name']}" if flow else None


def _deployment_identity(name: str, names: Names) -> dict[str, Any]:
    flow, deployment = _parts(name, "FLOW/DEPLOYMENT")
    return {"name": deployment, "flow_id": names.id_of("flow", flow)}


def _block_name(row: Row, names: Names) -> str | None:
    kind = row.get("block_type")
    return f"{kind['slug']}/{row['name']}" if kind and row.get("name") else None


def _block_identity(name: str, names: Names) -> dict[str, Any]:
    slug, block = _parts(name, "TYPE/NAME")
    kind = names.id_of("block-type", slug)
    newest = next((row["id"] for row in names.rows("block-schema").values() if row["block_type_id"] == kind), kind)
    return {"name": block, "block_type_id": kind, "block_schema_id": newest}


def block_data(row: Row) -> dict[str, Any]:
    """A block's data with the blocks that it refers to in place of what these hold; secrets as they came."""
    data = dict(row["data"])
    for key, reference in row.get("block_document_references", {}).items():
        child = reference["block_document"]
        data[key] = {BLOCK: f"{child['block_type']['slug']}/{child['name']}"}
    return data


def _without_secrets(row: Row, names: Names) -> Row:
    fields = (row.get("block_schema") or {}).get("fields") or {}
    return {**row, "data": without_secrets(_block_name(row, names) or "", block_data(row), fields)}


def _children(spec: Spec) -> list[str]:
    data = spec.get("data") or {}
    return [each[BLOCK] for each in data.values() if isinstance(each, dict) and isinstance(each.get(BLOCK), str)]


def _priority(spec: Spec) -> int:
    value = spec.get("priority")
    return value if isinstance(value, int) else 0


def repeated(name: str) -> Iterator[str]:
    """What documents call things of one name, the oldest first: ``x``, ``x (2)``, ``x (3)``."""
    yield name
    yield from (f"{name} ({number})" for number in count(2))


def _automation_identity(name: str, names: Names) -> dict[str, Any]:
    """The name it has: that of the first, where it is a further one."""
    found = _NUMBERED.fullmatch(name)
    return {"name": found[1] if found and found[1] in names.rows("automation") else name}


def _is_of_notification(row: Row, names: Names) -> bool:
    return any(each["automation_id"] == row["id"] for each in names.rows("notification").values())


FLOW = Kind(
    name="flow",
    plural="flows",
    listed="flows.FILTER",
    body="flows.FlowCreate",
    fields=(Field("tags"),),
    create="flows.CREATE",
    update="flows.UPDATE",
    delete="flows.DELETE",
    # With it went its runs.
    cannot_go=_is_kept,
    by_default=False,
)
VARIABLE = Kind(
    name="variable",
    plural="variables",
    listed="variables.FILTER",
    body="variables.VariableCreate",
    fields=(Field("value"), Field("tags")),
    create="variables.CREATE",
    update="variables.UPDATE",
    delete="variables.DELETE",
)
TAGGED = Kind(
    name="concurrency-limit",
    plural="concurrency limits",
    listed="concurrency.FILTER",
    body="concurrency.ConcurrencyLimitCreate",
    fields=(Field("concurrency_limit"),),
    create="concurrency.CREATE",
    update="concurrency.CREATE",
    delete="concurrency.DELETE",
    name_of=lambda row, names: str(row["tag"]),
    identity=lambda name, names: {"tag": name},
    whole=True,
)
GLOBAL = Kind(
    name="global-concurrency-limit",
    plural="global concurrency limits",
    listed="concurrency_v2.FILTER",
    body="concurrency_v2.ConcurrencyLimitV2Create",
    fields=(Field("limit"), Field("active"), Field("slot_decay_per_second")),
    create="concurrency_v2.CREATE",
    update="concurrency_v2.UPDATE",
    delete="concurrency_v2.DELETE",
    path=lambda row: {"id_or_name": row["id"]},
    # Those of tags are the kind above, and those of single deployments are told with these.
    is_made=lambda row, names: row["name"].startswith((TAG_LIMIT, OWN_LIMIT)),
)
BLOCK_TYPE = Kind(
    name="block-type",
    plural="block types",
    listed="block_types.FILTER",
    body="block_types.BlockTypeCreate",
    fields=(
        Field("name", fixed=True),
        Field("logo_url"),
        Field("documentation_url"),
        Field("description", _ESCAPED),
        Field("code_example", _ESCAPED),
        Field("schemas", when="never"),
    ),
    create="block_types.CREATE",
    update="block_types.UPDATE",
    delete="block_types.DELETE",
    name_of=lambda row, names: str(row["slug"]),
    identity=lambda name, names: {"slug": name, "name": name},
    # With it went every block of it, and most types are the server's own.
    cannot_go=_is_kept,
    row=with_schemas,
    compare=differences_of_types,
    after=add_schemas,
    by_default=False,
)
BLOCKS = Kind(
    name="block",
    plural="blocks",
    listed="block_documents.FILTER",
    body="block_documents.BlockDocumentCreate",
    fields=(Field("schema", one("block-schema"), wire="block_schema_id"), Field("data", JSON)),
    create="block_documents.CREATE",
    update="block_documents.UPDATE",
    delete="block_documents.DELETE",
    name_of=_block_name,
    identity=_block_identity,
    row=_without_secrets,
    needs=_children,
    compare=differences_of_blocks,
    complete=complete,
    also={"merge_existing_data": False},
)
WORK_POOL = Kind(
    name="work-pool",
    plural="work pools",
    listed="work_pools.FILTER",
    body="work_pools.WorkPoolCreate",
    fields=(
        Field("type", fixed=True),
        Field("description"),
        Field("is_paused"),
        Field("concurrency_limit"),
        Field("base_job_template", JSON),
        Field(
            "storage_configuration",
            Form(
                lambda value, names: _storage(value, names, "default_result_storage_block_id"),
                lambda value, names: _storage(value, names, "default_result_storage_block"),
            ),
        ),
    ),
    create="work_pools.CREATE",
    update="work_pools.UPDATE",
    delete="work_pools.DELETE",
    path=_pool_path,
)
WORK_QUEUE = Kind(
    name="work-queue",
    plural="work queues",
    listed="work_queues.FILTER",
    body="work_queues.WorkQueueCreate",
    fields=(Field("description"), Field("is_paused"), Field("concurrency_limit"), Field("priority")),
    create="work_queues.CREATE_IN_POOL",
    update="work_queues.UPDATE",
    delete="work_queues.DELETE",
    name_of=_in_pool,
    identity=_queue_identity,
    place=_of_pool,
    cannot_go=_is_default,
    # One that takes a priority moves those after it: the first go first.
    rank=lambda name, spec: _priority(spec),
)
DEPLOYMENT = Kind(
    name="deployment",
    plural="deployments",
    listed="deployments.FILTER",
    body="deployments.DeploymentCreate",
    fields=(
        Field("description"),
        Field("tags"),
        Field("labels", _LABELS, when="new"),
        Field("paused"),
        Field("work_pool_name", POOL, beside=("work_queue_name",)),
        Field("work_queue_name", beside=("work_pool_name",)),
        Field("entrypoint"),
        Field("path"),
        Field("version"),
        Field("parameters", JSON),
        Field("parameter_openapi_schema"),
        Field("enforce_parameter_schema"),
        Field("job_variables", JSON),
        Field("pull_steps", JSON),
        Field("concurrency_limit", beside=("global_concurrency_limit",)),
        Field(
            "global_concurrency_limit",
            one("global-concurrency-limit"),
            wire="global_concurrency_limit_id",
            beside=("concurrency_limit",),
        ),
        Field("concurrency_options"),
        Field("storage_document", one("block"), wire="storage_document_id"),
        Field("infrastructure_document", one("block"), wire="infrastructure_document_id"),
        Field("schedules", SCHEDULES, when="new"),
    ),
    create="deployments.CREATE",
    update="deployments.UPDATE",
    delete="deployments.DELETE",
    name_of=_of_flow,
    identity=_deployment_identity,
    row=lambda row, names: with_limits(row),
    compare=differences_of_deployments,
    after=finish,
)
AUTOMATION = Kind(
    name="automation",
    plural="automations",
    listed="automations.FILTER",
    body="automations.AutomationCreate",
    fields=(
        Field("description"),
        Field("enabled"),
        Field("tags"),
        Field("trigger", TRIGGER),
        Field("actions", ACTIONS),
        Field("actions_on_trigger", ACTIONS),
        Field("actions_on_resolve", ACTIONS),
    ),
    create="automations.CREATE",
    update="automations.REPLACE",
    delete="automations.DELETE",
    identity=_automation_identity,
    is_made=_is_of_notification,
    rank=lambda name, spec: int(found[2]) if (found := _NUMBERED.fullmatch(name)) else 0,
    repeats=True,
    whole=True,
)
NOTIFICATION = Kind(
    name="notification",
    plural="notifications",
    listed="notifications.FILTER",
    body="notifications.NotificationCreate",
    fields=(
        Field("enabled"),
        Field("state_names"),
        Field("tags"),
        Field("flows", several("flow"), wire="flow_ids"),
        Field("deployments", several("deployment"), wire="deployment_ids"),
        Field("work_pools", several("work-pool"), wire="work_pool_ids"),
        Field("block", one("block"), wire="block_document_id"),
        Field("emails"),
        Field("subject"),
        Field("message"),
    ),
    create="notifications.CREATE",
    update="notifications.UPDATE",
    delete="notifications.DELETE",
    only_podium=True,
)
WEBHOOK = Kind(
    name="webhook",
    plural="webhooks",
    listed="webhooks.FILTER",
    body="webhooks.WebhookCreate",
    fields=(Field("description"), Field("enabled"), Field("template")),
    create="webhooks.CREATE",
    update="webhooks.UPDATE",
    delete="webhooks.DELETE",
    only_podium=True,
)
SCHEMA = Kind(
    name="block-schema",
    plural="block schemas",
    listed="block_schemas.FILTER",
    body="block_schemas.BlockSchemaCreate",
    fields=(),
    create="block_schemas.CREATE",
    update="",
    delete="block_schemas.DELETE",
    name_of=lambda row, names: str(row["checksum"]),
)

KINDS: Final = {
    kind.name: kind
    for kind in (
        FLOW,
        VARIABLE,
        TAGGED,
        GLOBAL,
        BLOCK_TYPE,
        BLOCKS,
        WORK_POOL,
        WORK_QUEUE,
        DEPLOYMENT,
        AUTOMATION,
        NOTIFICATION,
        WEBHOOK,
    )
}
REFERRED: Final = {**KINDS, SCHEMA.name: SCHEMA}
"""Those too that documents only name."""


def _storage(value: Any, names: Names, field: str) -> Any:
    """The storage of a pool, the block for results under its name or under its id."""
    if not isinstance(value, dict):
        return value
    told = field.endswith("_id")
    form = one("block")
    other = "default_result_storage_block" if told else "default_result_storage_block_id"
    found = {key: each for key, each in value.items() if key != field and each is not None}
    if value.get(field) is not None:
        found[other] = form.told(value[field], names) if told else form.sent(value[field], names)
    return found
