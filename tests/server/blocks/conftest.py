"""A block type of its own with a schema, for the tests of blocks."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from podium.wire.block_documents import BlockDocument
from tests.server.conftest import decode

MASK = "********"
UNKNOWN = "00000000-0000-0000-0000-000000000009"


class Block:
    """A block type of its own with a schema, through the API."""

    def __init__(self, api: httpx.Client, properties: dict[str, Any], secrets: list[str], **fields: Any) -> None:
        self.api = api
        self.slug = f"block-{uuid4()}"
        title = f"T{uuid4().hex}"
        self.type = api.post("/block_types/", json={"name": title, "slug": self.slug}).json()
        self.fields = {
            "title": title,
            "type": "object",
            "properties": properties,
            "secret_fields": secrets,
            "block_type_slug": self.slug,
            "block_schema_references": {},
            **fields,
        }
        response = api.post("/block_schemas/", json={"block_type_id": self.type["id"], "fields": self.fields})
        assert response.status_code == 201, response.text
        self.schema = response.json()

    def save(self, name: str | None, data: dict[str, Any], **more: Any) -> httpx.Response:
        ids = {"block_type_id": self.type["id"], "block_schema_id": self.schema["id"]}
        return self.api.post("/block_documents/", json={**ids, "name": name, "data": data, **more})

    def path(self, name: str, data: dict[str, Any]) -> str:
        """The path of a new document."""
        saved = self.save(name, data)
        assert saved.status_code == 201, saved.text
        return f"/block_documents/{saved.json()['id']}"

    def load(self, name: str, secrets: bool = True) -> dict[str, Any]:
        path = f"/block_types/slug/{self.slug}/block_documents/name/{name}"
        response = self.api.get(path, params={"include_secrets": secrets})
        decode(response, BlockDocument)
        found: dict[str, Any] = response.json()
        return found

    def inside(self) -> dict[str, Any]:
        """What the fields of a block say that has this one at ``login``."""
        reference = {"block_schema_checksum": self.schema["checksum"], "block_type_slug": self.slug}
        return {"block_schema_references": {"login": reference}, "definitions": {self.fields["title"]: self.fields}}


def reference(path: str) -> dict[str, Any]:
    """What refers to the document at a path."""
    return {"$ref": {"block_document_id": path.rpartition("/")[2]}}


@pytest.fixture
def account(api: httpx.Client) -> Block:
    """A block with a secret."""
    return Block(api, {"user": {"type": "string"}, "password": {"type": "string"}}, ["password"])
