"""Artifacts and the latest of each key over HTTP."""

from typing import Any

import httpx
import pytest

from podium.db.ids import new_id
from podium.wire.artifacts import Artifact, ArtifactCollection
from tests.server.conftest import Units, decode
from tests.server.rows import Rows

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


def _make(api: httpx.Client, **values: Any) -> Artifact:
    answer = api.post("/artifacts/", json=values)
    assert answer.status_code == 201, answer.text
    artifact: Artifact = decode(answer, Artifact)
    return artifact


def _collection(api: httpx.Client, key: str) -> list[ArtifactCollection]:
    found: list[ArtifactCollection] = decode(
        api.post("/artifacts/latest/filter", json={"artifacts": {"key": {"any_": [key]}}}), list[ArtifactCollection]
    )
    return found


def test_the_latest_artifact_of_a_key_is_kept_track_of(api: httpx.Client) -> None:
    """The collection keeps its id and shows the fields of its newest artifact."""
    first = _make(api, key="report", type="markdown", data="# one", description="first")
    [before] = _collection(api, "report")
    second = _make(api, key="report", type="table", data="[]", metadata_={"m": "1"})
    [after] = _collection(api, "report")
    assert (before.id, before.latest_id) == (after.id, first.id)
    assert (after.latest_id, after.type, after.data, after.metadata_) == (second.id, "table", "[]", {"m": "1"})
    assert decode(api.get("/artifacts/report/latest"), Artifact) == second
    assert decode(api.get(f"/artifacts/{first.id}"), Artifact) == first


def test_an_artifact_without_a_key_has_no_collection(api: httpx.Client) -> None:
    """It is found by its id and its run."""
    run = new_id()
    artifact = _make(api, type="progress", data=12.5, flow_run_id=run)
    found = api.post("/artifacts/filter", json={"artifacts": {"flow_run_id": {"any_": [run]}}}).json()
    assert [each["id"] for each in found] == [artifact.id]
    assert api.post("/artifacts/latest/count", json={"artifacts": {"latest_id": {"any_": [artifact.id]}}}).json() == 0


def test_an_artifact_can_be_changed(api: httpx.Client) -> None:
    """As a progress bar is; what is not sent stays, null is taken."""
    artifact = _make(api, key="progress", type="progress", data=10, description="d")
    assert api.patch(f"/artifacts/{artifact.id}", json={"data": 55.5}).status_code == 204
    changed = decode(api.get(f"/artifacts/{artifact.id}"), Artifact)
    assert (changed.data, changed.description) == (55.5, "d")
    assert api.patch(f"/artifacts/{artifact.id}", json={"description": None}).status_code == 204
    assert api.get(f"/artifacts/{artifact.id}").json()["description"] is None
    assert api.patch(f"/artifacts/{UNKNOWN}", json={"data": 1}).status_code == 404


def test_the_one_before_becomes_the_latest_when_the_latest_goes(api: httpx.Client) -> None:
    """With the last one the key is gone."""
    first, second = (_make(api, key="falling", data=number) for number in (1, 2))
    assert api.delete(f"/artifacts/{second.id}").status_code == 204
    assert api.get("/artifacts/falling/latest").json()["id"] == first.id
    assert api.delete(f"/artifacts/{first.id}").status_code == 204
    assert api.get("/artifacts/falling/latest").status_code == 404
    assert _collection(api, "falling") == []
    assert api.delete(f"/artifacts/{first.id}").status_code == 404


def test_artifacts_are_filtered_sorted_and_counted(api: httpx.Client, units: Units) -> None:
    """Also by the runs they belong to."""
    rows = Rows(units.write)
    run = rows.flow_run(rows.flow("artful"))
    task = rows.task_run(run, "painter")
    _make(api, key="b-key", type="link", flow_run_id=run)
    _make(api, key="a-key", type="markdown", flow_run_id=run, task_run_id=task)
    _make(api, type="result", flow_run_id=run)

    def keys(path: str = "filter", **body: Any) -> list[str | None]:
        body = {"flow_runs": {"id": {"any_": [run]}}, "sort": "KEY_ASC", **body}
        return [each["key"] for each in api.post(f"/artifacts/{path}", json=body).json()]

    assert keys() == ["a-key", "b-key", None]
    assert keys(sort="KEY_DESC") == ["b-key", "a-key", None]
    assert keys(artifacts={"type": {"not_any_": ["result"]}}) == ["a-key", "b-key"]
    assert keys(artifacts={"key": {"exists_": False}}) == [None]
    assert keys(artifacts={"key": {"like_": "A-"}}) == ["a-key"]
    assert keys(task_runs={"name": {"any_": ["painter"]}}) == ["a-key"]
    assert keys(flows={"name": {"any_": ["artful"]}}, limit=1) == ["a-key"]
    assert keys("latest/filter", artifacts={"type": {"any_": ["link"]}}) == ["b-key"]
    assert api.post("/artifacts/count", json={"flow_runs": {"id": {"any_": [run]}}}).json() == 3
    assert api.post("/artifacts/latest/count", json={"flow_runs": {"id": {"any_": [run]}}}).json() == 2


@pytest.mark.parametrize("key", ["Upper", "a_b", "a b", "é"])
def test_a_key_is_lowercase_letters_digits_and_dashes(api: httpx.Client, key: str) -> None:
    """So that it fits in a URL."""
    assert api.post("/artifacts/", json={"key": key}).status_code == 422
