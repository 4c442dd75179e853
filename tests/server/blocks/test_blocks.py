"""Block types, schemas and documents over HTTP."""

from uuid import uuid4

import httpx

from podium.server.operations.block_fields import checksum
from tests.server.blocks.conftest import MASK, UNKNOWN, Block

SECRET = {
    "block_schema_references": {},
    "block_type_slug": "secret",
    "description": "A block that represents a secret value. The value stored in this block will be obfuscated when "
    "this block is viewed or edited in the UI.",
    "properties": {
        "value": {
            "anyOf": [
                {"format": "password", "type": "string", "writeOnly": True},
                {"title": "string", "type": "string"},
                {"$ref": "#/definitions/JsonValue", "title": "JSON"},
            ],
            "description": "A value that should be kept secret.",
            "examples": ["sk-1234567890", {"password": "s3cr3t", "username": "johndoe"}],
            "format": "password",
            "title": "Value",
            "writeOnly": True,
            "position": 0,
        }
    },
    "required": ["value"],
    "secret_fields": ["value", "value"],
    "title": "Secret",
    "type": "object",
    "definitions": {"JsonValue": {}},
}
SECRET_CHECKSUM = "sha256:c078ed9c1e813e224c0b353d7ad4564a11d51d3198d9ac0686478165a1911c78"


def test_a_checksum_is_that_of_clients() -> None:
    assert checksum(SECRET) == SECRET_CHECKSUM
    assert checksum({**SECRET, "secret_fields": []}) == SECRET_CHECKSUM


def test_a_schema_is_found_by_its_checksum(account: Block) -> None:
    api, schema = account.api, account.schema
    again = api.post("/block_schemas/", json={"block_type_id": account.type["id"], "fields": account.fields})
    assert (again.status_code, again.json()["id"]) == (200, schema["id"])
    path = f"/block_schemas/checksum/{schema['checksum']}"
    assert api.get(path).json() == schema
    assert api.get(path, params={"version": "9"}).status_code == 404
    assert schema["fields"] == account.fields
    unknown = {"block_type_id": UNKNOWN, "fields": account.fields}
    assert api.post("/block_schemas/", json=unknown).status_code == 404


def test_a_schema_shows_the_blocks_inside_of_it(account: Block) -> None:
    inner = {
        "block_schema_references": {
            "login": {"block_schema_checksum": account.schema["checksum"], "block_type_slug": account.slug}
        },
        "definitions": {account.fields["title"]: account.fields},
    }
    pointer = {"$ref": f"#/definitions/{account.fields['title']}"}
    outer = Block(account.api, {"login": pointer}, ["login.password"], **inner)
    assert outer.schema["fields"] == outer.fields
    child = account.save("mine", {"user": "u", "password": "p"}).json()
    outer.save("whole", {"login": {"$ref": {"block_document_id": child["id"]}}})
    assert outer.load("whole")["data"] == {"login": {"user": "u", "password": "p"}}
    shown = outer.load("whole", secrets=False)
    assert shown["data"] == {"login": {"user": "u", "password": MASK}}
    assert shown["block_document_references"]["login"]["block_document"]["id"] == child["id"]


def test_secrets_are_masked_unless_asked_for(account: Block) -> None:
    saved = account.save("mine", {"user": "u", "password": {"any": "json"}})
    assert saved.status_code == 201
    assert saved.json()["data"] == account.load("mine", secrets=False)["data"] == {"user": "u", "password": MASK}
    assert account.load("mine")["data"] == {"user": "u", "password": {"any": "json"}}
    body = {"block_documents": {"id": {"any_": [saved.json()["id"]]}}}
    (listed,) = account.api.post("/block_documents/filter", json=body).json()
    assert listed["data"]["password"] == MASK
    (listed,) = account.api.post("/block_documents/filter", json={**body, "include_secrets": True}).json()
    assert listed["data"]["password"] == {"any": "json"}


def test_every_key_below_may_be_secret(api: httpx.Client) -> None:
    block = Block(api, {"headers": {"type": "object"}}, ["headers.*"])
    block.save("mine", {"headers": {"a": "1", "b": None}})
    assert block.load("mine", secrets=False)["data"] == {"headers": {"a": MASK, "b": None}}


def test_a_secret_sent_as_its_mask_stays(account: Block) -> None:
    path = f"/block_documents/{account.save('mine', {'user': 'u', 'password': 'p'}).json()['id']}"
    assert account.api.patch(path, json={"data": {"user": "v", "password": MASK}}).status_code == 204
    assert account.load("mine")["data"] == {"user": "v", "password": "p"}
    account.api.patch(path, json={"data": {"password": "q"}})
    assert account.load("mine")["data"] == {"user": "v", "password": "q"}
    account.api.patch(path, json={"data": {"user": "w"}, "merge_existing_data": False})
    assert account.load("mine")["data"] == {"user": "w"}


def test_names(account: Block) -> None:
    assert account.save("mine", {}).status_code == 201
    assert account.save("mine", {}).status_code == 409
    assert account.save("Mine", {}).status_code == 422
    nameless = account.save(None, {}, is_anonymous=True).json()
    assert nameless["name"].startswith("anonymous-")
    chosen = {"block_types": {"slug": {"any_": [account.slug]}}}
    named = account.api.post("/block_documents/filter", json=chosen).json()
    assert [document["name"] for document in named] == ["mine"]
    both = {**chosen, "block_documents": {"is_anonymous": None}}
    assert account.api.post("/block_documents/count", json=both).json() == 2


def test_references(account: Block) -> None:
    assert account.save("a", {"x": {"$ref": {}}}).status_code == 400
    assert account.save("a", {"x": {"$ref": {"block_document_id": UNKNOWN}}}).status_code == 409
    first = account.save("first", {}).json()["id"]
    second = account.save("second", {"x": {"$ref": {"block_document_id": first}}}).json()["id"]
    back = {"data": {"y": {"$ref": {"block_document_id": second}}}}
    assert account.api.patch(f"/block_documents/{first}", json=back).status_code == 400
    assert account.api.delete(f"/block_documents/{first}").status_code == 204
    assert account.load("second")["data"] == {}


def test_types(account: Block) -> None:
    api, path = account.api, f"/block_types/{account.type['id']}"
    assert api.post("/block_types/", json={"name": account.type["name"], "slug": "other"}).status_code == 409
    assert api.post("/block_types/", json={"name": "Prefect x", "slug": "x"}).status_code == 403
    assert api.patch(path, json={"description": "a < b"}).status_code == 204
    assert api.get(f"/block_types/slug/{account.slug}").json()["description"] == "a < b"
    assert api.delete(path).status_code == 204
    assert api.get(path).status_code == api.get(f"/block_schemas/{account.schema['id']}").status_code == 404


def test_protected_types_stay(api: httpx.Client) -> None:
    assert api.post("/block_types/install_system_block_types").status_code == 200
    secret = api.get("/block_types/slug/secret").json()
    assert secret["is_protected"] is True
    refused = api.delete(f"/block_types/{secret['id']}")
    assert (refused.status_code, refused.json()["detail"]) == (403, "protected block types cannot be deleted.")
    chosen = {"block_types": {"slug": {"any_": ["secret", "webhook", "local-file-system"]}}}
    assert len(api.post("/block_types/filter", json=chosen).json()) == 3


def test_capabilities(api: httpx.Client, account: Block) -> None:
    body = {"block_type_id": account.type["id"], "fields": {"title": uuid4().hex}, "capabilities": ["notify"]}
    schema = api.post("/block_schemas/", json=body).json()
    assert "notify" in api.get("/block_capabilities/").json()
    of_mine = {"block_type_id": {"any_": [account.type["id"]]}, "block_capabilities": {"all_": ["notify"]}}
    found = api.post("/block_schemas/filter", json={"block_schemas": of_mine}).json()
    assert [each["id"] for each in found] == [schema["id"]]
