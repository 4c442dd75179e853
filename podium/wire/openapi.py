"""The OpenAPI 3.1 document of the API, made from the endpoint rows and the Structs of the wire.

Nothing in it is written twice: operations, parameters, bodies, answers and their sentences are those of the rows, the
Structs and their docstrings. What every operation may answer with besides (credentials, database away) is added here.
"""

import inspect
from collections.abc import Iterable, Iterator
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec

from podium import __version__
from podium.wire.catalogue import MODULES, ROWS
from podium.wire.decoding import encode
from podium.wire.endpoint import Answer, Endpoint
from podium.wire.problems import InvalidRequest, Problem, Refusal
from podium.wire.schedules import KINDS

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
VERSION_HEADER = "x-prefect-api-version"
RETRY_AFTER = {"description": "Seconds to wait before asking again.", "schema": {"type": "number"}}


class _Refused(msgspec.Struct, frozen=True):
    """A way to refuse: the name of its component, its meaning and the shapes of its body."""

    name: str
    meaning: str
    shapes: tuple[type[Answer], ...]


REFUSALS = {
    400: _Refused("BadRequest", "The client's API version is not supported, or the request ended early.", (Problem,)),
    401: _Refused("Unauthorized", "Credentials are missing or wrong.", (Refusal,)),
    403: _Refused("Forbidden", "It is protected, or the CSRF token is missing or wrong.", (Problem,)),
    404: _Refused("NotFound", "There is no such object.", (Problem, Refusal)),
    409: _Refused("Conflict", "It conflicts with what is there.", (Problem,)),
    410: _Refused("Gone", "It has ended.", (Problem,)),
    422: _Refused("Invalid", "The request is not what the operation takes.", (InvalidRequest, Problem)),
    423: _Refused("Locked", "No slot is free.", (Problem,)),
    503: _Refused("Unavailable", "The database is away or too busy; asking again may help.", (Refusal,)),
}
"""What refuses, by status; a row's ``problems`` come before the shapes here."""


def schemas(kinds: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """The JSON Schema of each type, and by name those of the Structs they refer to and of the kinds of schedules."""
    found, components = msgspec.json.schema_components([*kinds, *KINDS], ref_template=REFERENCE)
    tidied = {name: _tidy(schema) for name, schema in components.items()}
    return [_tidy(schema) for schema in found[: -len(KINDS)]], tidied


def document(base_path: str) -> dict[str, Any]:
    """The whole document for an API mounted at ``base_path`` (a slash before it and none behind)."""
    kinds = _Kinds()
    paths: dict[str, dict[str, Any]] = {}
    for key, row in ROWS.items():
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(key, row, kinds)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Podium",
            "version": __version__,
            "description": "The REST API of Podium, a workflow orchestration server that Prefect clients run on.",
        },
        "servers": [{"url": base_path or "/"}],
        "security": [{"basic": []}, {}],
        "tags": [{"name": _tag(module.__name__), "description": _prose(module.__doc__)} for module in MODULES],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(kinds.components.items())),
            "responses": {
                refused.name: _problem(status, refused.shapes, kinds) for status, refused in REFUSALS.items()
            },
            "securitySchemes": {
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "Asked for where the server has an auth string.",
                }
            },
        },
    }


@lru_cache(maxsize=1)
def encoded(base_path: str) -> bytes:
    """The document as JSON, made when it is first asked for and kept."""
    return encode(document(base_path))


class _Kinds:
    """The schemas of all types that the rows use, made in one go so that the names of Structs are unique."""

    def __init__(self) -> None:
        rows = [kind for row in ROWS.values() for kind in (row.body, row.answer)]
        problems = [kind for row in ROWS.values() for shapes in row.problems.values() for kind in shapes]
        usual = [kind for refused in REFUSALS.values() for kind in refused.shapes]
        kinds = [kind for kind in (*rows, *problems, *usual) if kind is not None]
        found, self.components = schemas(kinds)
        for name, fields in _always_answered().items():
            if name in self.components:
                self.components[name]["required"] = fields
        self._schemas = list(zip(kinds, found, strict=True))

    def schema(self, kind: Any) -> Schema:
        return next(schema for known, schema in self._schemas if known is kind or known == kind)


def _operation(key: str, row: Endpoint, kinds: _Kinds) -> dict[str, Any]:
    module = key.partition(".")[0]
    operation: dict[str, Any] = {
        "operationId": key.replace(".", "_").lower(),
        "summary": row.summary,
        "tags": [_tag(module)],
        "parameters": [*_path_parameters(row), *_query_parameters(row), *_headers(row)],
        "responses": _responses(row, kinds),
    }
    if row.body is not None:
        content = {"application/json": {"schema": kinds.schema(row.body)}}
        operation["requestBody"] = {"required": row.body_required, "content": content}
    if row.deprecated:
        operation["deprecated"] = True
    if row.permission == "open":
        operation["security"] = []
    return operation


def _path_parameters(row: Endpoint) -> Iterator[dict[str, Any]]:
    for name in row.names:
        schema = {"type": "string", "format": "uuid"} if name in row.ids else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(row: Endpoint) -> Iterator[dict[str, Any]]:
    if row.query is None:
        return
    _, components = schemas([row.query])
    described = components[row.query.__name__]
    for name, schema in described["properties"].items():
        yield {"name": name, "in": "query", "required": name in described.get("required", ()), "schema": schema}


def _headers(row: Endpoint) -> Iterator[dict[str, Any]]:
    names = row.headers if row.permission == "open" else (VERSION_HEADER, *row.headers)
    for name in names:
        yield {"name": name, "in": "header", "required": False, "schema": {"type": "string"}}


def _responses(row: Endpoint, kinds: _Kinds) -> dict[str, Any]:
    statuses = {row.status, *row.statuses, *row.further}
    if row.permission != "open":
        statuses |= {400, 401, 503}
    if row.method != "GET":
        statuses.add(403)
    return {str(status): _response(status, row, kinds) for status in sorted(statuses)}


def _response(status: int, row: Endpoint, kinds: _Kinds) -> dict[str, Any]:
    if status in row.problems:
        return _problem(status, row.problems[status], kinds)
    if status >= 400:
        return {"$ref": f"#/components/responses/{REFUSALS[status].name}"}
    response: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if row.answer is not None and status != 204:
        plain = row.media.startswith("text/")
        schema = {"type": "string"} if plain else kinds.schema(row.answer)
        response["content"] = {row.media: {"schema": schema}}
    return response


def _problem(status: int, shapes: tuple[type[Answer], ...], kinds: _Kinds) -> dict[str, Any]:
    found = [kinds.schema(shape) for shape in shapes]
    schema = found[0] if len(found) == 1 else {"anyOf": found}
    response: dict[str, Any] = {
        "description": REFUSALS[status].meaning,
        "content": {"application/json": {"schema": schema}},
    }
    if status in (423, 503):
        response["headers"] = {"Retry-After": RETRY_AFTER}
    return response


def _tag(module: str) -> str:
    name = module.rpartition(".")[2]
    return name.upper() if name in ("csrf", "ui") else name.replace("_", " ").capitalize()


def _prose(text: str | None) -> str:
    """A docstring as Markdown."""
    return inspect.cleandoc(text or "").replace("``", "`")


def _tidy(schema: Any) -> Any:
    """Without names that the keys say already; with what other readers of patterns and enumerations expect."""
    if isinstance(schema, list):
        return [_tidy(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    tidied = {key: _tidy(each) for key, each in schema.items()}
    if isinstance(tidied.get("title"), str):
        del tidied["title"]
    if isinstance(tidied.get("description"), str):
        tidied["description"] = _prose(tidied["description"])
    if isinstance(tidied.get("required"), list) and not tidied["required"]:
        del tidied["required"]
    if isinstance(tidied.get("enum"), list):
        tidied.setdefault("type", "string" if all(isinstance(each, str) for each in tidied["enum"]) else "integer")
    if isinstance(tidied.get("pattern"), str):
        # "(?!\n)" keeps Python's "$" from matching before a line's end, which it does nowhere else.
        tidied["pattern"] = tidied["pattern"].replace(r"$(?!\n)", "$")
        if tidied.get("format") == "uuid":
            del tidied["pattern"]
    return tidied


def _always_answered() -> dict[str, list[str]]:
    """The fields of each answer by the name of its Struct: one with a default is answered all the same."""
    found: dict[str, list[str]] = {}
    waiting: list[type[Answer]] = [Answer]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        config = kind.__struct_config__
        if config.omit_defaults:
            continue
        fields = [each.encode_name for each in msgspec.structs.fields(kind) if each.default is not msgspec.UNSET]
        found[kind.__name__] = ([config.tag_field] if config.tag_field else []) + fields
    return found
