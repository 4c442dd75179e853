"""Who is let in: API versions, the auth string, CSRF tokens."""

from collections.abc import Iterator

import httpx
import pytest

from podium.wire.csrf import CsrfToken
from tests.server.conftest import LiveServer, decode, settings_for

AUTH = "me:päss:word"


@pytest.fixture(scope="module")
def guarded(module_database_url: str) -> Iterator[httpx.Client]:
    """A server that asks for an auth string."""
    settings = settings_for(module_database_url, PODIUM_SERVER_API_AUTH_STRING=AUTH)
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url) as client:
        yield client


@pytest.fixture(scope="module")
def protected(module_database_url: str) -> Iterator[httpx.Client]:
    """A server that asks for CSRF tokens."""
    settings = settings_for(module_database_url, PODIUM_SERVER_CSRF_PROTECTION_ENABLED="true")
    with LiveServer(settings, with_services=False) as live, httpx.Client(base_url=live.url) as client:
        yield client


@pytest.mark.parametrize("version", [None, "0.8.0", "0.8.4", "0.9.0", "12.0.1"])
def test_versions_that_are_served(api: httpx.Client, version: str | None) -> None:
    """None, ours, those still spoken and newer ones."""
    headers = {"X-PREFECT-API-VERSION": version} if version else {}
    assert api.post("/flows/filter", json={}, headers=headers).status_code == 200


@pytest.mark.parametrize("version", ["x", "1", "0.8", "0.8.4.1", "0.8.x", "0.8.-4", "0.8.4 x", "0.8." + "9" * 400])
def test_versions_that_are_none(api: httpx.Client, version: str) -> None:
    """400 with a word about the form, except where the version does not matter."""
    response = api.post("/flows/filter", json={}, headers={"X-PREFECT-API-VERSION": version})
    assert response.status_code == 400
    assert "x.y.z" in response.json()["detail"]
    for path in ("/health", "/version"):
        assert api.get(path, headers={"X-PREFECT-API-VERSION": version}).status_code == 200


def test_versions_that_are_too_old(api: httpx.Client) -> None:
    """400 names both versions."""
    response = api.post("/flows/filter", json={}, headers={"X-PREFECT-API-VERSION": "0.7.9"})
    assert response.status_code == 400
    assert "0.7.9" in response.json()["detail"]
    assert "0.8.4" in response.json()["detail"]


def test_the_right_credentials(guarded: httpx.Client) -> None:
    """``Authorization: Basic`` with the auth string opens everything."""
    auth = httpx.BasicAuth(*(part.encode() for part in AUTH.split(":", 1)))
    assert guarded.post("/flows/filter", json={}, auth=auth).status_code == 200
    assert guarded.get("/admin/version", auth=auth).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        None,
        b"Basic",
        b"Basic !!!",
        b"Basic \xff\xfe",
        b"Basic bWU6d3Jvbmc=",
        b"basic bWU6cMOkc3M6d29yZA==",
        b"Bearer bWU6cMOkc3M6d29yZA==",
        b"Basic bWU6cMOkc3M6d29yZA== more",
        b"Basic /w==",
    ],
)
def test_wrong_credentials(guarded: httpx.Client, header: bytes | None) -> None:
    """401 in the contract's shape, whatever was sent instead; nothing is done."""
    headers = {b"Authorization": header} if header is not None else {}
    response = guarded.post("/flows/", json={"name": "not-made"}, headers=headers)
    assert response.status_code == 401
    assert response.json() == {"exception_message": "Unauthorized"}
    assert "WWW-Authenticate" not in response.headers


def test_what_is_open(guarded: httpx.Client) -> None:
    """Health and readiness are, since those who ask have no credentials; paths that are not there stay 404."""
    for path in ("/health", "/ready", "/version"):
        assert guarded.get(path).status_code == 200
    for path in ("/hello", "/admin/version", "/admin/settings", "/podium/version", "/podium/status"):
        assert guarded.get(path).status_code == 401
    assert guarded.get("/nowhere").status_code == 404


def test_documents_and_pages(guarded: httpx.Client) -> None:
    """The documents of the API ask for credentials, those beside it do not, and the page tells nothing of runs."""
    root = str(guarded.base_url).removesuffix("api/")
    for path in ("docs", "openapi.json"):
        assert guarded.get(f"/{path}").status_code == 401
        assert guarded.get(root + path).status_code == 200
    settings = guarded.get(f"{root}ui-settings")
    assert (settings.status_code, settings.json()["auth"]) == (200, "BASIC")
    assert "Flow runs" not in guarded.get(root).text
    for method, path in (("HEAD", "/hello"), ("HEAD", "/openapi.json"), ("PUT", "/admin/storage")):
        assert guarded.request(method, path).status_code == 401
    assert guarded.get("/csrf-token?client=me").status_code == 401


def test_without_csrf_protection(api: httpx.Client) -> None:
    """A client that reads exactly this stops asking for tokens."""
    response = api.get("/csrf-token", params={"client": "me"})
    assert response.status_code == 422
    assert response.json() == {"detail": "CSRF protection is disabled."}


def test_changes_need_a_token(protected: httpx.Client) -> None:
    """403 tells what is missing; reading by GET needs nothing."""
    assert protected.get("/hello").status_code == 200
    response = protected.post("/flows/", json={"name": "a"})
    assert (response.status_code, response.json()) == (403, {"detail": "Missing CSRF token."})
    response = protected.post("/flows/", json={"name": "a"}, headers={"Prefect-Csrf-Token": "x"})
    assert (response.status_code, response.json()) == (403, {"detail": "Missing client identifier."})


@pytest.mark.parametrize("token", [b"x", b"\xe4", b"0" * 64])
def test_a_wrong_token(protected: httpx.Client, token: bytes) -> None:
    """403 with the words that make a client fetch a new one."""
    headers = {b"Prefect-Csrf-Token": token, b"Prefect-Csrf-Client": b"me"}
    response = protected.post("/flows/", json={"name": "a"}, headers=headers)
    assert response.status_code == 403
    assert "Invalid CSRF token" in response.json()["detail"]


def test_a_token_is_of_one_client_and_the_last_one(protected: httpx.Client) -> None:
    """A token works for who fetched it, until the same client fetches another."""

    def fetch(client: str) -> CsrfToken:
        response = protected.get("/csrf-token", params={"client": client})
        assert response.status_code == 200
        token: CsrfToken = decode(response, CsrfToken)
        return token

    def change(client: str, token: CsrfToken) -> int:
        headers = {"Prefect-Csrf-Token": token.token, "Prefect-Csrf-Client": client}
        return protected.post("/flows/", json={"name": "a"}, headers=headers).status_code

    first = fetch("one")
    assert len(first.token) == 64
    assert (first.expiration - first.updated).total_seconds() == pytest.approx(3600, abs=5)
    assert change("one", first) in (200, 201)
    assert change("other", first) == 403
    second = fetch("one")
    assert second.token != first.token
    assert change("one", first) == 403
    assert change("one", second) == 200


def test_a_token_request_without_a_client(protected: httpx.Client) -> None:
    """422, as for any parameter that is missing."""
    assert protected.get("/csrf-token").status_code == 422


def test_tokens_come_before_credentials(module_database_url: str) -> None:
    """A call without both is told about the token first."""
    flags = {"PODIUM_SERVER_CSRF_PROTECTION_ENABLED": "true", "PODIUM_SERVER_API_AUTH_STRING": "a:b"}
    with LiveServer(settings_for(module_database_url, **flags), with_services=False) as live:
        assert httpx.post(f"{live.url}/flows/", json={"name": "a"}).status_code == 403
        assert httpx.get(f"{live.url}/csrf-token?client=x").status_code == 401
