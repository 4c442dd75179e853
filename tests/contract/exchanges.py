"""Requests to a live server and their answers, held against the contract's OpenAPI document."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs

from tests.contract.samples import filled
from tests.wire.contract import document, json_schema, operations

Operation = str
"""The method and the contract's path: ``GET /flows/{id}``."""

PLACEHOLDER = re.compile(r"{(\w+)}")
OPERATIONS: dict[Operation, dict[str, Any]] = {f"{method} {path}": each for method, path, each in operations()}
UUIDS: dict[Operation, set[str]] = {
    operation: {
        each["name"]
        for each in described.get("parameters", [])
        if each["in"] == "path" and each["schema"].get("format") == "uuid"
    }
    for operation, described in OPERATIONS.items()
}


def body_schema(operation: Operation) -> dict[str, Any] | None:
    """The schema of what an operation takes."""
    return json_schema(OPERATIONS[operation].get("requestBody", {}).get("content"))


def _closed(schema: Any) -> Any:
    """The schema with objects that have no other fields than those it names."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(each) for key, each in schema.items()}
    if isinstance(closed.get("properties"), dict) and closed.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


@cache
def _components() -> dict[str, Any]:
    closed: dict[str, Any] = _closed(document()["components"])
    return closed


@cache
def _validator(operation: Operation, status: str) -> Any:
    schema = json_schema(OPERATIONS[operation]["responses"][status].get("content"))
    if schema is None:
        return None
    whole = {**_closed(schema), "components": _components()}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def faults(operation: Operation, answer: httpx.Response) -> list[str]:
    """What about an answer is not as the contract says; empty when everything is."""
    status = str(answer.status_code)
    if status not in OPERATIONS[operation]["responses"]:
        return [f"answers {status}"]
    if status == "204":
        return [f"answers {status} with a body"] if answer.content else []
    if "json" not in answer.headers.get("content-type", "") or (validator := _validator(operation, status)) is None:
        return []
    found = []
    for error in validator.iter_errors(answer.json()):
        where = "".join(f".{step}" if isinstance(step, str) else "[]" for step in error.instance_path)
        why = "none of its shapes" if error.kind.name in ("anyOf", "oneOfNotValid") else error.message[:200]
        found.append(f"answers {status} with {where or 'a body'}: {why}")
    return list(dict.fromkeys(found))


@dataclass
class Conversation:
    """Calls operations by their names in the contract and keeps what is wrong with the answers."""

    api: httpx.Client
    faults: dict[Operation, list[str]] = field(default_factory=dict)
    statuses: dict[Operation, set[int]] = field(default_factory=dict)

    def ask(self, operation: Operation, given: Any = None, query: dict[str, Any] | None = None, **path: Any) -> Any:
        """Sends a request whose body has every field of the contract (``given`` says otherwise); the answer's JSON.

        A refusal fails: what the contract takes has to be taken.
        """
        schema = body_schema(operation)
        body = None if schema is None else filled(schema, {} if given is None else given)
        answer = self.send(operation, body, query, **path)
        assert answer.is_success, f"{operation} {path} {body}: {answer.status_code} {answer.text[:2000]}"
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.text

    def send(
        self, operation: Operation, body: Any = None, query: dict[str, Any] | None = None, **path: Any
    ) -> httpx.Response:
        """Sends a request as it is."""
        method, _, template = operation.partition(" ")
        url = PLACEHOLDER.sub(lambda match: quote(str(path[match[1]]), safe=""), template)
        has_body = body_schema(operation) is not None and body is not None
        answer = self.api.request(method, url, params=query, **({"json": body} if has_body else {}))
        known = self.faults.setdefault(operation, [])
        known.extend(fault for fault in faults(operation, answer) if fault not in known)
        self.statuses.setdefault(operation, set()).add(answer.status_code)
        return answer
