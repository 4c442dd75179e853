"""Job variables: what a work pool's base job template asks for, and what deployments and runs fill in."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import bindparam, select

from podium.db.tables.work_pools import work_pools, work_queues
from podium.db.unit import WORKSPACE, Tx
from podium.server.errors import Invalid, InvalidRequest
from podium.server.operations.parameters import BadSchema, failure

_PLACEHOLDER = re.compile(r"{{\s*(.*?)\s*}}")

_TEMPLATE_OF_QUEUE = (
    select(work_pools.c.base_job_template)
    .join(work_queues, work_queues.c.work_pool_id == work_pools.c.id)
    .where(work_queues.c.id == bindparam("work_queue_id"), work_queues.c.workspace_id == WORKSPACE)
)


def check_base_job_template(template: Mapping[str, Any]) -> None:
    """Raises ``Invalid`` for a template whose parts do not fit; ``{}`` is none and fits."""
    if not template:
        return
    if not isinstance(template.get("job_configuration"), dict) or not isinstance(template.get("variables"), dict):
        raise _refused(template, "it needs the objects `job_configuration` and `variables`")
    properties = template["variables"].get("properties") or {}
    if not isinstance(properties, dict):
        raise _refused(template, "`variables.properties` has to be an object")
    undeclared = sorted({name for name in _placeholders(template["job_configuration"]) if name not in properties})
    if undeclared:
        raise _refused(
            template, f"`job_configuration` uses variables that `variables` does not have: {', '.join(undeclared)}"
        )
    try:
        reason = failure(defaults(template), template["variables"], partial=True)
    except BadSchema as error:
        raise _refused(template, str(error)) from None
    if reason:
        raise Invalid(f"The defaults of the pool's job variables do not fit them. {reason}")


def _refused(template: Mapping[str, Any], reason: str) -> InvalidRequest:
    message = f"The base job template does not fit: {reason}."
    return InvalidRequest(
        [{"type": "value_error", "loc": ["body", "base_job_template"], "msg": message, "input": template}]
    )


def _placeholders(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from _PLACEHOLDER.findall(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _placeholders(key)
            yield from _placeholders(item)
    elif isinstance(value, list):
        for item in value:
            yield from _placeholders(item)


def defaults(template: Mapping[str, Any]) -> dict[str, Any]:
    """The default values of a template's variables; references to block documents are left out."""
    properties = (template.get("variables") or {}).get("properties") or {}
    return {
        name: schema["default"]
        for name, schema in properties.items()
        if isinstance(schema, dict) and "default" in schema and not _is_reference(schema["default"])
    }


def _is_reference(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("$ref"), dict) and "block_document_id" in value["$ref"]


def _without(template: Mapping[str, Any], references: Iterable[str]) -> dict[str, Any]:
    """The variables' schema without requiring those that a block document fills in."""
    schema = dict(template["variables"])
    filled = set(references)
    for name, each in (schema.get("properties") or {}).items():
        if isinstance(each, dict) and _is_reference(each.get("default")):
            filled.add(name)
    if filled:
        schema["required"] = [name for name in schema.get("required") or [] if name not in filled]
    return schema


def check_job_variables(
    tx: Tx, work_queue_id: str | None, variables: Mapping[str, Any], *, partial: bool = False
) -> str | None:
    """Why the variables do not fit the template of the queue's pool, in one sentence; None when they do.

    ``partial``: required variables may be absent, as the run may still bring them.
    """
    if work_queue_id is None:
        return None
    template = tx.value(_TEMPLATE_OF_QUEUE, work_queue_id=work_queue_id)
    decoded = msgspec.json.decode(template) if template else {}
    if not decoded.get("variables"):
        return None
    references = [name for name, value in variables.items() if _is_reference(value)]
    given = {name: value for name, value in {**defaults(decoded), **variables}.items() if name not in references}
    try:
        return failure(given, _without(decoded, references), partial=partial)
    except BadSchema as error:
        return str(error)
