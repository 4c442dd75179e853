"""Block documents: data of a block, encrypted, which may refer to other documents."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import msgspec

from podium.db.ids import canonical_id
from podium.db.types import decoded
from podium.db.unit import Row, Tx
from podium.server.errors import BadRequest, Conflict, NotFound
from podium.server.events.lifecycle import block_document_event
from podium.server.operations.block_keys import Cipher
from podium.server.operations.block_schemas import answers as schema_answers
from podium.server.operations.block_secrets import masked, unmasked
from podium.server.queries import blocks as queries
from podium.server.queries.blocks import BLOCK_DOCUMENTS, BLOCK_SCHEMAS, BLOCK_TYPES
from podium.server.queries.generic import add_if_absent, find, find_by, get, patch, remove

logger = logging.getLogger("podium.server")

REFERENCE = "$ref"

Data = dict[str, Any]


def create_block_document(tx: Tx, values: Row) -> Row:
    """Stores a document; its answer, secrets masked.

    Raises ``Conflict`` for a taken name, unknown type, schema or document it refers to, ``BadRequest`` for a schema of
    another type or a reference without an id.
    """
    _check_schema(tx, values["block_schema_id"], values["block_type_id"])
    data, references = _split(tx, values["data"])
    name = values["name"] or f"anonymous-{uuid4()}"
    document = add_if_absent(tx, BLOCK_DOCUMENTS, {**values, "name": name, "data": Cipher(tx).encrypt(data)})
    if document is None:
        raise Conflict(f"A block document with the name {name!r} already exists for this type.")
    queries.set_document_references(tx, document["id"], references)
    _tell(tx, "created", document, data)
    return answers(tx, [document])[0]


def _check_schema(tx: Tx, schema_id: str, type_id: str) -> None:
    schema = find(tx, BLOCK_SCHEMAS, schema_id)
    if schema is None or find(tx, BLOCK_TYPES, type_id) is None:
        raise Conflict("The block type or block schema of the document does not exist.")
    if schema["block_type_id"] != type_id:
        raise BadRequest("The block schema is of another block type than the document.")


def _split(tx: Tx, data: Data) -> tuple[Data, dict[str, str]]:
    """The data itself, and by name the ids of the documents it refers to."""
    references = {}
    for name, value in data.items():
        if isinstance(value, dict) and REFERENCE in value:
            target = value[REFERENCE]
            given = target.get("block_document_id") if isinstance(target, dict) else None
            child = canonical_id(given) if isinstance(given, str) else None
            if child is None:
                raise BadRequest(f"The reference {name!r} needs a block_document_id.")
            references[name] = child
    known = queries.documents_by_id(tx, set(references.values()))
    for name, child in references.items():
        if child not in known:
            raise Conflict(f"The reference {name!r} is to a block document that does not exist.")
    return {name: value for name, value in data.items() if name not in references}, references


def change_block_document(tx: Tx, document_id: str, data: Data | None, schema_id: str | None, merge: bool) -> None:
    """Sets data of a document (merged into what it has, or in place of it) and its schema.

    A secret sent as its mask stays. Raises ``NotFound`` without the document, ``BadRequest`` for a schema of another
    type or a document that would refer to itself, ``Conflict`` for a reference to an unknown one.
    """
    document = get(tx, BLOCK_DOCUMENTS, document_id)
    cipher = Cipher(tx)
    changes: Row = {}
    if schema_id is not None and schema_id != document["block_schema_id"]:
        _check_schema(tx, schema_id, document["block_type_id"])
        changes["block_schema_id"] = schema_id
    stored = cipher.decrypt(document["data"], document["name"])
    if data is not None:
        # Against the data as clients read it: they may send back that of a document referred to.
        shown = answers(tx, [document], with_secrets=True)[0]["data"]
        secrets = secret_paths(get(tx, BLOCK_SCHEMAS, document["block_schema_id"]))
        sent, references = _split(tx, unmasked(data, shown, secrets))
        if merge:
            kept = {each["name"]: each["child"] for each in queries.document_references(tx, [document_id])}
            references = {**{name: child for name, child in kept.items() if name not in sent}, **references}
            sent = {name: value for name, value in {**stored, **sent}.items() if name not in references}
        _check_acyclic(tx, document_id, references.values())
        queries.set_document_references(tx, document_id, references)
        changes["data"] = cipher.encrypt(sent)
        stored = sent
    patch(tx, BLOCK_DOCUMENTS, document_id, changes)
    _tell(tx, "updated", {**document, **changes}, stored)


def _check_acyclic(tx: Tx, document_id: str, children: Iterable[str]) -> None:
    seen: set[str] = set()
    level = set(children)
    while level:
        if document_id in level:
            raise BadRequest("A block document cannot refer to itself, nor to one that refers to it.")
        seen |= level
        level = {each["child"] for each in queries.document_references(tx, level)} - seen


def delete_block_document(tx: Tx, document_id: str) -> None:
    """Deletes a document, also one that nobody can read any more; ``NotFound`` without it."""
    document = get(tx, BLOCK_DOCUMENTS, document_id)
    try:
        data = Cipher(tx).decrypt(document["data"], document["name"])
    except Conflict:
        data = {}
    remove(tx, BLOCK_DOCUMENTS, document_id)
    _tell(tx, "deleted", document, data)


def read_block_document(tx: Tx, document_id: str, with_secrets: bool) -> Row:
    """The answer of a document; ``NotFound`` without it."""
    return answers(tx, [get(tx, BLOCK_DOCUMENTS, document_id)], with_secrets)[0]


def read_block_document_by_name(tx: Tx, slug: str, name: str, with_secrets: bool) -> Row:
    """The answer of the document with this name of the type with that slug; ``NotFound`` without it."""
    block_type = find_by(tx, BLOCK_TYPES, slug=slug)
    document = block_type and find_by(tx, BLOCK_DOCUMENTS, block_type_id=block_type["id"], name=name)
    if not document:
        raise NotFound("Block document not found")
    return answers(tx, [document], with_secrets)[0]


def list_block_documents(
    tx: Tx,
    where: Sequence[Any],
    order: Sequence[Any],
    limit: int | None,
    offset: int,
    with_secrets: bool,
) -> list[Row]:
    """The answers of the documents that match, in order."""
    return answers(tx, queries.list_documents(tx, where, order, limit, offset), with_secrets, in_list=True)


def answers(tx: Tx, documents: Sequence[Row], with_secrets: bool = False, in_list: bool = False) -> list[Row]:
    """Documents as clients read them: what they refer to in place, with schema and type, secrets masked.

    ``Conflict`` for one that is encrypted with another key; in a list it has no data, and the others are shown.
    """
    shown = {document["id"]: document for document in documents}
    known, references = queries.reached(tx, shown, queries.document_references, queries.documents_by_id)
    types = queries.types_by_id(tx, {document["block_type_id"] for document in known.values()})
    schemas = queries.schemas_by_id(tx, {document["block_schema_id"] for document in known.values()})
    secrets = {} if with_secrets else {schema_id: secret_paths(schema) for schema_id, schema in schemas.items()}
    reader = _Reader(known, references, types, secrets, Cipher(tx), in_list)
    complete = schema_answers(tx, [schemas[key] for key in {document["block_schema_id"] for document in documents}])
    return [
        {
            **document,
            "data": reader.data(document["id"]),
            "block_schema": complete[document["block_schema_id"]],
            "block_type": types[document["block_type_id"]],
            "block_type_name": types[document["block_type_id"]]["name"],
            "block_document_references": reader.references(document["id"]),
        }
        for document in documents
    ]


class _SecretFields(msgspec.Struct):
    secret_fields: list[str] | None = None


def secret_paths(schema: Row) -> list[str]:
    """Where documents of a schema hold their secrets: anywhere, when the schema does not tell."""
    fields: _SecretFields | None = decoded(schema["fields"], _SecretFields, None)
    return ["*"] if fields is None else fields.secret_fields or []


class _Reader:
    """Puts documents together with those they refer to, each with the secrets of its own schema masked.

    ``secrets`` has the paths of each schema; without any, nothing is masked.
    """

    def __init__(
        self,
        known: dict[str, Row],
        references: dict[str, list[Row]],
        types: dict[str, Row],
        secrets: dict[str, list[str]],
        cipher: Cipher,
        in_list: bool,
    ) -> None:
        self._known = known
        self._references = references
        self._types = types
        self._secrets = secrets
        self._cipher = cipher
        self._in_list = in_list

    def data(self, document_id: str) -> Data:
        """The decrypted data, that of other documents where it refers to them."""
        document = self._known[document_id]
        try:
            data = self._cipher.decrypt(document["data"], document["name"])
        except Conflict as unreadable:
            if not self._in_list:
                raise
            logger.warning("A list shows a block document without its data: %s", unreadable.detail)
            data = {}
        for reference in self._references.get(document_id, ()):
            data[reference["name"]] = self.data(reference["child"])
        shown: Data = masked(data, self._secrets.get(document["block_schema_id"], ()))
        return shown

    def references(self, document_id: str) -> Data:
        """By name what the wire tells of each document referred to."""
        found: Data = {}
        for reference in self._references.get(document_id, ()):
            child = self._known[reference["child"]]
            shown = {name: child[name] for name in ("id", "name", "is_anonymous")}
            found[reference["name"]] = {
                "block_document": {
                    **shown,
                    "block_type": self._types[child["block_type_id"]],
                    "block_document_references": self.references(child["id"]),
                }
            }
        return found


def _tell(tx: Tx, verb: Any, document: Row, data: Data) -> None:
    block_type = get(tx, BLOCK_TYPES, document["block_type_id"])
    block_schema = get(tx, BLOCK_SCHEMAS, document["block_schema_id"])
    event = block_document_event(verb, document, data, block_type, block_schema, tx.now)
    if event:
        tx.emit(event)
