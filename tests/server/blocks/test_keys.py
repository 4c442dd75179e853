"""Secrets are encrypted at rest: nothing that a server keeps or says has one in clear, and keys can be changed."""

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from cryptography.fernet import Fernet

from podium.db.urls import sqlite_path
from tests.migrated import migrate
from tests.server.blocks.conftest import MASK, Block, reference
from tests.server.conftest import LiveServer, settings_for

CANARY = "canary-in-the-mine"


@contextmanager
def serving(database_url: str, **settings: Any) -> Iterator[httpx.Client]:
    with (
        LiveServer(settings_for(database_url, **settings), with_services=False) as live,
        httpx.Client(base_url=live.url, timeout=20, follow_redirects=True) as api,
    ):
        yield api


@pytest.fixture
def url(database_url: str) -> str:
    """The URL of a migrated database."""
    migrate(database_url)
    return database_url


def _stored(url: str) -> bytes:
    """All that a database has, as bytes: the files of SQLite, every column of PostgreSQL."""
    path = sqlite_path(url)
    if path is not None:
        return b"".join(each.read_bytes() for each in Path(path).parent.glob("podium.db*"))
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        rows = [connection.execute(f'SELECT t::text FROM "{table}" t').fetchall() for (table,) in tables.fetchall()]  # type: ignore[arg-type]
    return repr(rows).encode()


def test_no_secret_is_kept_in_clear(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not in the database, its files, the log, nor in an answer or event that did not ask for it."""
    caplog.set_level(logging.DEBUG)
    answers = []
    with serving(url) as api:
        block = Block(api, {}, ["a", "h.*", "l.k"])
        data = {"a": f"{CANARY}-1", "h": {"x": f"{CANARY}-2"}, "l": [{"k": f"{CANARY}-3"}], "plain": "to-be-seen"}
        path = block.path("mine", data)
        outer = Block(api, {}, [], **block.inside())
        outer.save("outer", {"login": reference(path)})
        answers.append(api.patch(path, json={"data": {"a": f"{CANARY}-4", "h": {"y": MASK}}}))
        answers += [block.save("mine", data), outer.save("bad", {"a": CANARY, "x": {"$ref": CANARY}})]
        answers += [api.get(path), api.get("/block_types/slug/" + outer.slug + "/block_documents")]
        answers.append(api.post("/block_documents/filter", json={}))
        answers.append(api.post("/events/filter", json={"filter": {"event": {"prefix": ["prefect.block"]}}}))
        assert block.load("mine")["data"]["a"] == f"{CANARY}-4"
        assert CANARY.encode() not in _stored(url)
        answers.append(api.delete(path))
    kept = _stored(url)
    assert block.slug.encode() in kept
    assert CANARY.encode() not in kept
    assert "to-be-seen" in "".join(answer.text for answer in answers)
    said = [*(answer.text for answer in answers), caplog.text, *capfd.readouterr()]
    assert [text for text in said if CANARY in text] == []


def test_a_key_is_made_once_and_private(url: str) -> None:
    """Beside the SQLite file, readable by its owner alone; on PostgreSQL in the database, for all servers of it."""
    for round_ in ("one", "two"):
        with serving(url) as api:
            block = Block(api, {}, ["a"])
            block.save(round_, {"a": round_})
            found = api.post("/block_documents/filter", json={"include_secrets": True}).json()
            assert found[0]["data"] == {"a": "one"}
    path = sqlite_path(url)
    if path is None:
        assert b"fernet_key" in _stored(url)
    else:
        key = Path(f"{path}.key")
        assert (key.stat().st_mode & 0o777, len(key.read_text().strip())) == (0o600, 44)
        assert key.read_bytes().strip() not in Path(path).read_bytes()


def test_keys_can_be_changed(url: str) -> None:
    """A key that is set encrypts from then on and reads nothing less; `new,old` replaces the old one altogether.

    Without its key a document is listed without data, and refused where it is asked for alone.
    """
    old, new = (Fernet.generate_key().decode() for _ in range(2))

    def secrets(keys: str | None) -> Any:
        given = {"PODIUM_SERVER_ENCRYPTION_KEY": keys} if keys else {}
        with serving(url, **given) as api:
            listed = api.post("/block_documents/filter", json={"include_secrets": True}).raise_for_status().json()
            for each in listed:
                alone = api.get(f"/block_documents/{each['id']}")
                assert alone.status_code == (200 if each["data"] else 409)
                assert each["data"] or (each["name"] in alone.text and "PODIUM_SERVER_ENCRYPTION_KEY" in alone.text)
            return {each["name"]: each["data"].get("a") for each in listed}

    with serving(url) as api:
        block = Block(api, {}, ["a"])
        path = block.path("first", {"a": CANARY})
    with serving(url, PODIUM_SERVER_ENCRYPTION_KEY=old) as api:
        block.api = api
        block.save("second", {"a": "2"})
    both = {"first": CANARY, "second": "2"}
    assert secrets(old) == both
    assert secrets(None) == {"first": CANARY, "second": None}
    assert secrets(f"{new},{old}") == both
    assert secrets(new) == both
    assert secrets(old) == {"first": None, "second": None}
    with serving(url, PODIUM_SERVER_ENCRYPTION_KEY=old) as api:
        assert api.delete(path).status_code == 204


def test_a_key_in_a_sqlite_database_moves_to_its_file(sqlite_url: str) -> None:
    """Earlier databases have it inside: it is read, then replaced, and taken out."""
    migrate(sqlite_url)
    key = Fernet.generate_key()
    path = str(sqlite_path(sqlite_url))
    with serving(sqlite_url) as api:
        block = Block(api, {}, ["a"])
        block.save("old", {"a": "first"})
    made = Path(f"{path}.key").read_bytes().strip()
    Path(f"{path}.key").unlink()
    with sqlite3.connect(path) as connection:
        ((workspace, token),) = connection.execute("SELECT workspace_id, data FROM block_documents").fetchall()
        text = Fernet(key).encrypt(Fernet(made).decrypt(token)).decode()
        connection.execute("UPDATE block_documents SET data = ?", (text,))
        connection.execute("DELETE FROM configuration WHERE key LIKE 'ENCRYPTION%'")
        row = ("1", workspace, "ENCRYPTION_KEY", f'{{"fernet_key": "{key.decode()}"}}', 0, 0)
        connection.execute(
            "INSERT INTO configuration (id, workspace_id, key, value, created, updated) VALUES (?,?,?,?,?,?)", row
        )
    connection.close()
    for _ in range(3):
        with serving(sqlite_url) as api:
            block.api = api
            assert block.load("old")["data"] == {"a": "first"}
            assert block.save("new", {"a": "second"}).status_code in (201, 409)
            assert block.load("new")["data"] == {"a": "second"}
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM configuration WHERE key = 'ENCRYPTION_KEY'").fetchone() == (0,)
    connection.close()
