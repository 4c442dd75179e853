"""What the server says of itself over HTTP: health, versions, settings, storage, tokens; saved searches."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import update

from podium.db.tables.blocks import block_documents, block_schemas, block_types
from podium.db.tables.csrf import csrf_tokens
from podium.wire.csrf import CsrfToken
from podium.wire.saved_searches import SavedSearch
from tests.server.conftest import LiveServer, Units, decode, settings_for
from tests.server.rows import START, Rows

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


def test_a_server_tells_that_it_lives_and_which_versions_it_speaks(api: httpx.Client) -> None:
    """The version is that of the wire, so that clients accept the server."""
    assert api.get("/health").json() is True
    assert api.get("/ready").json() == {"message": "OK"}
    assert api.get("/hello").json() == "👋"
    assert api.get("/version").json() == "0.8.4"
    assert api.get("/admin/version").json() == "3.8.8"


def test_settings_are_shown_without_secrets(module_database_url: str) -> None:
    """Neither the password of the API nor that inside the database's URL."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_AUTH_STRING="admin:canary")
    with LiveServer(settings, with_services=False) as live:
        answer = httpx.get(f"{live.url}/admin/settings", auth=("admin", "canary"))
        assert httpx.get(f"{live.url}/admin/settings").status_code == 401
    shown = answer.json()
    assert shown["server"]["api"]["port"] == 4200
    assert shown["server"]["api"]["auth_string"] == "********"
    assert "canary" not in answer.text
    assert module_database_url not in answer.text or "@" not in module_database_url


def test_the_default_result_storage_is_a_block_that_exists(api: httpx.Client, units: Units) -> None:
    """An unknown block is refused, a deleted one forgotten."""
    rows = Rows(units.write)
    kind = rows.add(block_types, name="Store", slug="store")
    schema = rows.add(block_schemas, block_type_id=kind, checksum="sha256:1", fields={})
    block = rows.add(block_documents, block_type_id=kind, block_schema_id=schema, name="s3", data="{}")

    def stored() -> object:
        return api.get("/admin/storage").json()["default_result_storage_block_id"]

    assert stored() is None
    assert api.put("/admin/storage", json={"default_result_storage_block_id": UNKNOWN}).status_code == 404
    answer = api.put("/admin/storage", json={"default_result_storage_block_id": block})
    assert (answer.status_code, answer.json()) == (200, {"default_result_storage_block_id": block})
    assert stored() == block
    assert api.delete("/admin/storage").status_code == 204
    assert stored() is None
    api.put("/admin/storage", json={"default_result_storage_block_id": block})
    units.write(lambda tx: tx.run(block_documents.delete().where(block_documents.c.id == block)))
    assert stored() is None


def test_without_csrf_protection_clients_are_told_so_in_their_words(api: httpx.Client) -> None:
    """By exactly this text a client learns to stop asking."""
    answer = api.get("/csrf-token", params={"client": UNKNOWN})
    assert (answer.status_code, answer.json()) == (422, {"detail": "CSRF protection is disabled."})
    assert api.get("/csrf-token").status_code == 422


@pytest.fixture(scope="module")
def guarded(module_database_url: str) -> Iterator[httpx.Client]:
    """A server that wants CSRF tokens."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_CSRF_PROTECTION_ENABLED=True)
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url) as client:
        yield client


def test_a_change_needs_the_newest_token_of_its_client(guarded: httpx.Client, units: Units) -> None:
    """A second token for a client ends the first one; an expired one is none."""

    def token() -> str:
        answer = decode(guarded.get("/csrf-token", params={"client": "me"}), CsrfToken)
        assert (answer.client, len(answer.token)) == ("me", 64)
        text: str = answer.token
        return text

    def change(**headers: str) -> httpx.Response:
        return guarded.post("/flows/", json={"name": "guarded"}, headers=headers)

    assert change().status_code == 403
    first = token()
    assert change(**{"Prefect-Csrf-Token": first}).status_code == 403
    assert change(**{"Prefect-Csrf-Token": first, "Prefect-Csrf-Client": "me"}).status_code == 201
    second = token()
    refused = change(**{"Prefect-Csrf-Token": first, "Prefect-Csrf-Client": "me"})
    assert (refused.status_code, "Invalid CSRF token" in refused.json()["detail"]) == (403, True)
    assert change(**{"Prefect-Csrf-Token": second, "Prefect-Csrf-Client": "me"}).status_code == 200
    units.write(lambda tx: tx.run(update(csrf_tokens).values(expiration=START)))
    assert change(**{"Prefect-Csrf-Token": second, "Prefect-Csrf-Client": "me"}).status_code == 403
    assert guarded.get("/health").status_code == 200


def test_a_saved_search_is_replaced_by_its_name(api: httpx.Client) -> None:
    """Saving answers 201 for a new one, 200 for one that was there."""
    one = {"object": "flow_run", "property": "name", "type": "string", "operation": "equals", "value": "x"}
    first = api.put("/saved_searches/", json={"name": "mine", "filters": [one]})
    second = api.put("/saved_searches/", json={"name": "mine", "filters": []})
    other = api.put("/saved_searches/", json={"name": "another"})
    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 201)
    saved = decode(second, SavedSearch)
    assert (saved.id, saved.filters) == (first.json()["id"], [])
    assert [each["name"] for each in api.post("/saved_searches/filter").json()] == ["another", "mine"]
    assert decode(api.get(f"/saved_searches/{saved.id}"), SavedSearch) == saved
    assert api.delete(f"/saved_searches/{saved.id}").status_code == 204
    assert api.get(f"/saved_searches/{saved.id}").status_code == 404
    assert api.delete(f"/saved_searches/{saved.id}").status_code == 404
