"""Ids in the values of the wire, and the names that documents have in their place."""

import re
from collections.abc import Callable
from typing import Any, Final

from podium.client.manifests.kind import Form, Names

BLOCK: Final = "$block"
"""A document's word for a block inside JSON: ``{"$block": "aws-credentials/prod"}``."""

_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_RESOURCES: Final = {
    "flow": "flow",
    "deployment": "deployment",
    "work-pool": "work-pool",
    "work-queue": "work-queue",
    "automation": "automation",
    "block-document": "block",
    "concurrency-limit": "global-concurrency-limit",
}
_WORDS: Final = "|".join(_RESOURCES)
_TOLD: Final = re.compile(rf"prefect\.({_WORDS})\.({_UUID})")
_SENT: Final = re.compile(rf"prefect\.({_WORDS})\.<([^<>]+)>")
_ACTIONS: Final = {
    "deployment_id": ("deployment", "deployment"),
    "work_pool_id": ("work_pool", "work-pool"),
    "work_queue_id": ("work_queue", "work-queue"),
    "automation_id": ("automation", "automation"),
    "block_document_id": ("block", "block"),
}


def one(kind: str) -> Form:
    """The form of an id: the name of a thing of this kind. What has none stays an id."""

    def told(value: Any, names: Names) -> Any:
        return None if value is None else names.name_of(kind, value) or value

    def sent(value: Any, names: Names) -> Any:
        return None if value is None else names.id_of(kind, _text(value))

    return Form(told, sent)


def several(kind: str) -> Form:
    """The form of a list of ids, in the order of the names."""
    form = one(kind)

    def told(value: Any, names: Names) -> Any:
        return None if value is None else sorted(form.told(each, names) for each in value)

    def sent(value: Any, names: Names) -> Any:
        return value if not isinstance(value, list) else [form.sent(each, names) for each in value]

    return Form(told, sent)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"expected a name, not {value!r}")
    return value


def _replaced(value: Any, replace: Callable[[Any], Any]) -> Any:
    """A JSON value with what ``replace`` gives for its parts; None for those it leaves."""
    found = replace(value)
    if found is not None:
        return found
    if isinstance(value, dict):
        return {key: _replaced(each, replace) for key, each in value.items()}
    return [_replaced(each, replace) for each in value] if isinstance(value, list) else value


def _blocks_told(value: Any, names: Names) -> Any:
    def replace(part: Any) -> Any:
        inner = part.get("$ref") if isinstance(part, dict) and len(part) == 1 else None
        found = inner.get("block_document_id") if isinstance(inner, dict) else None
        name = names.name_of("block", found) if isinstance(found, str) else None
        return name and {BLOCK: name}

    return _replaced(value, replace)


def _blocks_sent(value: Any, names: Names) -> Any:
    def replace(part: Any) -> Any:
        if isinstance(part, dict) and len(part) == 1 and BLOCK in part:
            return {"$ref": {"block_document_id": names.id_of("block", _text(part[BLOCK]))}}
        return None

    return _replaced(value, replace)


JSON: Final = Form(_blocks_told, _blocks_sent)
"""Any JSON; blocks inside it go by name."""


def _resources_told(value: Any, names: Names) -> Any:
    def name(match: re.Match[str]) -> str:
        found = names.name_of(_RESOURCES[match[1]], match[2])
        return f"prefect.{match[1]}.<{found}>" if found else match[0]

    return _replaced(value, lambda part: _TOLD.sub(name, part) if isinstance(part, str) else None)


def _resources_sent(value: Any, names: Names) -> Any:
    def found(match: re.Match[str]) -> str:
        return f"prefect.{match[1]}.{names.id_of(_RESOURCES[match[1]], match[2])}"

    return _replaced(value, lambda part: _SENT.sub(found, part) if isinstance(part, str) else None)


def _trigger(value: Any, translated: Callable[[Any, Names], Any], names: Names) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: [_trigger(one, translated, names) for one in each]
        if key == "triggers" and isinstance(each, list)
        else translated(each, names)
        for key, each in value.items()
        if key != "id"
    }


TRIGGER: Final = Form(
    lambda value, names: _trigger(value, _resources_told, names),
    lambda value, names: _trigger(value, _resources_sent, names),
)
"""A trigger, without the id that the server gives it; resources go by name: ``prefect.deployment.<etl/prod>``."""


def _action_told(action: dict[str, Any], names: Names) -> dict[str, Any]:
    told = {}
    for key, value in action.items():
        word, kind = _ACTIONS.get(key, ("", ""))
        if not word:
            told[key] = _blocks_told(value, names)
        elif value is not None:
            name = names.name_of(kind, value)
            told[word if name else key] = name or value
    return told


def _action_sent(action: Any, names: Names) -> Any:
    if not isinstance(action, dict):
        return action
    ids = {word: (key, kind) for key, (word, kind) in _ACTIONS.items()}
    sent = {}
    for word, value in action.items():
        key, kind = ids.get(word, ("", ""))
        if key and value is not None:
            sent[key] = names.id_of(kind, _text(value))
        else:
            sent[word] = _blocks_sent(value, names)
    return sent


ACTIONS: Final = Form(
    lambda value, names: [_action_told(each, names) for each in value],
    lambda value, names: [_action_sent(each, names) for each in value] if isinstance(value, list) else value,
)
"""The actions of an automation; what they act on goes by name."""
