"""Flows over HTTP."""

from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import select

from podium.db.tables.events import events
from podium.wire.flows import Flow, FlowPage
from tests.server.conftest import Units, decode
from tests.server.rows import Rows

UNKNOWN = "0f9d8c7b-0000-4000-8000-000000000001"


def _make(api: httpx.Client, name: str, **values: Any) -> Flow:
    answer = api.post("/flows/", json={"name": name, **values})
    assert answer.status_code == 201, answer.text
    flow: Flow = decode(answer, Flow)
    return flow


def test_a_flow_is_registered_once(api: httpx.Client) -> None:
    """The second time it is answered as it is, with 200."""
    flow = _make(api, "once", tags=["a"], labels={"team": "x"})
    again = api.post("/flows/", json={"name": "once", "tags": ["other"]})
    assert again.status_code == 200
    assert decode(again, Flow) == flow
    assert (flow.tags, flow.labels) == (["a"], {"team": "x"})
    assert _make(api, "without labels").labels == {}


@pytest.mark.parametrize("name", ["a/b", "50%", "a&b", "a>b", "<a", ""])
def test_a_name_that_does_not_fit_in_a_url_is_refused(api: httpx.Client, name: str) -> None:
    """The answer names the field."""
    answer = api.post("/flows/", json={"name": name})
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"] == ["body", "name"]


def test_a_flow_is_read_by_id_and_by_name(api: httpx.Client) -> None:
    """A name may have spaces; what is not there is 404."""
    flow = _make(api, "read me")
    assert decode(api.get(f"/flows/{flow.id}"), Flow) == flow
    assert decode(api.get("/flows/name/read%20me"), Flow) == flow
    for path in (f"/flows/{UNKNOWN}", "/flows/name/nobody", "/flows/no-id"):
        assert api.get(path).status_code == 404


def test_flows_are_listed_counted_and_paged(api: httpx.Client) -> None:
    """All three take the same filters."""
    for number in range(3):
        _make(api, f"listed-{number}")
    mine = {"flows": {"name": {"like_": "listed-"}}}
    listed = api.post("/flows/filter", json={**mine, "sort": "NAME_DESC", "limit": 2, "offset": 1}).json()
    assert [flow["name"] for flow in listed] == ["listed-1", "listed-0"]
    assert api.post("/flows/count", json=mine).json() == 3
    page = decode(api.post("/flows/paginate", json={**mine, "limit": 2, "page": 2}), FlowPage)
    assert ([flow.name for flow in page.results], page.count, page.pages, page.page) == (["listed-2"], 3, 2, 2)
    assert api.post("/flows/filter").status_code == 200
    assert (
        api.post("/flows/filter", json={"flows": None, "limit": None, "offset": None, "sort": None}).status_code == 200
    )


@pytest.mark.parametrize("path", ["/flows/filter", "/flows/paginate"])
def test_a_limit_out_of_range_is_refused(api: httpx.Client, path: str) -> None:
    """The words are matched by clients."""
    for limit in (-1, 201):
        answer = api.post(path, json={"limit": limit})
        assert answer.status_code == 422
        assert answer.json()["detail"].startswith("Invalid limit")


def test_an_unknown_key_in_a_filter_is_refused(api: httpx.Client) -> None:
    """Ignoring it would select more than was asked for."""
    answer = api.post("/flows/filter", json={"flows": {"nam": {"any_": ["x"]}}})
    assert answer.status_code == 422
    assert answer.json()["exception_detail"][0]["loc"] == ["body", "flows", "nam"]


def test_tags_of_a_flow_can_be_changed(api: httpx.Client) -> None:
    """What is not sent stays."""
    flow = _make(api, "changed", tags=["old"])
    assert api.patch(f"/flows/{flow.id}", json={}).status_code == 204
    assert api.get(f"/flows/{flow.id}").json()["tags"] == ["old"]
    assert api.patch(f"/flows/{flow.id}", json={"tags": ["new"]}).status_code == 204
    changed = decode(api.get(f"/flows/{flow.id}"), Flow)
    assert changed.tags == ["new"]
    assert changed.updated is not None and flow.updated is not None and changed.updated > flow.updated
    assert api.patch(f"/flows/{UNKNOWN}", json={"tags": []}).status_code == 404


def test_a_flow_goes_with_its_deployments_and_runs(api: httpx.Client, units: Units) -> None:
    """And with the artifacts of its runs."""
    flow = _make(api, "deleted")
    rows = Rows(units.write)
    deployment = rows.deployment(flow.id)
    run = rows.flow_run(flow.id, deployment_id=deployment)
    artifact = api.post("/artifacts/", json={"key": "of-deleted", "flow_run_id": run}).json()["id"]
    assert api.delete(f"/flows/{flow.id}").status_code == 204
    for path in (f"/flows/{flow.id}", f"/flow_runs/{run}", f"/artifacts/{artifact}", "/artifacts/of-deleted/latest"):
        assert api.get(path).status_code == 404
    assert api.delete(f"/flows/{flow.id}").status_code == 404


def test_many_flows_are_deleted_by_a_filter(api: httpx.Client) -> None:
    """The ids of the deleted are answered; more than the limit stay for the next call."""
    ids = {_make(api, f"bulk-{number}").id for number in range(3)}
    body = {"flows": {"name": {"like_": "bulk-"}}, "limit": 2}
    first = api.post("/flows/bulk_delete", json=body).json()["deleted"]
    second = api.post("/flows/bulk_delete", json=body).json()["deleted"]
    assert (len(first), len(second)) == (2, 1)
    assert {*first, *second} == ids
    assert api.post("/flows/bulk_delete", json={"limit": 51}).status_code == 422


def test_each_change_of_a_flow_leaves_an_event(api: httpx.Client, units: Units) -> None:
    """Created, updated and deleted, stored with the change."""
    flow = _make(api, "told")
    api.post("/flows/", json={"name": "told"})
    api.patch(f"/flows/{flow.id}", json={"tags": ["t"]})
    api.delete(f"/flows/{flow.id}")
    told = select(events.c.event, events.c.payload).where(events.c.resource_id == f"prefect.flow.{flow.id}")
    found = units.all(told.order_by(events.c.occurred))
    assert [row["event"].rpartition(".")[2] for row in found] == ["created", "updated", "deleted"]
    assert msgspec.json.decode(found[1]["payload"]) == {"name": "told", "tags": ["t"], "labels": {}}
