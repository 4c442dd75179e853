"""Events over HTTP: taken, listed page by page, counted."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
import pytest
from sqlalchemy import insert

from podium.db.ids import new_id
from podium.db.tables.workspaces import workspaces
from podium.db.unit import Tx
from podium.server.queries.event_counts import spans
from podium.wire import events as wire
from tests.server.conftest import Units, decode
from tests.server.events.samples import event, frame

BASE = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)


def send(api: httpx.Client, *sent: Any) -> None:
    answer = api.post("/events", content=f"[{','.join(frame(each) for each in sent)}]")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.fixture
def key(api: httpx.Client) -> str:
    """A resource with five events, an hour apart: three a, then two b."""
    key = new_id()
    times = [BASE + timedelta(hours=number) for number in range(5)]
    send(api, *(event("aaabb"[n], key, occurred=time, payload={"number": n}) for n, time in enumerate(times)))
    return key


def listed(api: httpx.Client, **query: Any) -> wire.EventPage:
    page: wire.EventPage = decode(api.post("/events/filter", json=query).raise_for_status(), wire.EventPage)
    return page


def test_the_newest_events_come_first_page_by_page(api: httpx.Client, key: str) -> None:
    """Each page has the address of the next one; the last has none."""
    page = listed(api, filter={"resource": {"id": [key]}}, limit=2)
    numbers = [each.payload["number"] for each in page.events]
    while page.next_page:
        assert page.total == 5
        page = decode(api.get(page.next_page).raise_for_status(), wire.EventPage)
        numbers += [each.payload["number"] for each in page.events]
    assert numbers == [4, 3, 2, 1, 0]


def test_names_are_counted(api: httpx.Client) -> None:
    """At a time of their own; with and without a filter of names."""
    start = BASE - timedelta(days=100)
    names = ("a.b", "a", "a", "\u00e9")
    send(api, *(event(name, new_id(), occurred=start + timedelta(hours=n)) for n, name in enumerate(names)))
    during = {"since": (start - timedelta(hours=1)).isoformat(), "until": (start + timedelta(hours=9)).isoformat()}
    counts = api.post("/events/count-by/event", json={"filter": {"occurred": during}}).raise_for_status().json()
    assert {each["value"]: each["count"] for each in counts} == {"a": 2, "a.b": 1, "\u00e9": 1}
    assert counts[0]["start_time"] < counts[0]["end_time"]
    none = {"occurred": during, "event": {"exclude_prefix": ["a"]}}
    assert len(api.post("/events/count-by/event", json={"filter": none}).raise_for_status().json()) == 1


def test_the_order_may_be_turned(api: httpx.Client, key: str) -> None:
    """Over all pages."""
    page = listed(api, filter={"resource": {"id": [key]}, "order": "ASC"}, limit=3)
    assert [each.payload["number"] for each in page.events] == [0, 1, 2]
    following = decode(api.get(str(page.next_page)), wire.EventPage)
    assert [each.payload["number"] for each in following.events] == [3, 4]


def test_limits_are_kept(api: httpx.Client, key: str) -> None:
    """None to fifty, without a body fifty."""
    assert listed(api, filter={"resource": {"id": [key]}}, limit=0) == wire.EventPage(
        events=[], total=5, next_page=None
    )
    assert api.post("/events/filter", json={"limit": 51}).status_code == 422
    assert api.post("/events/filter").status_code == 200
    assert api.post("/events/filter", json={"filter": {"unknown": 1}}).status_code == 422


def test_the_next_page_is_in_the_same_workspace(api: httpx.Client, units: Units) -> None:
    """Its address is that of the API the caller asked, with the handle of the workspace."""

    def add_workspace(tx: Tx) -> None:
        row = {"id": new_id(), "handle": "blue", "name": "Blue", "created": tx.now, "updated": tx.now}
        tx.run(insert(workspaces).values(row))

    units.write(add_workspace)
    key = new_id()
    with httpx.Client(base_url=f"{api.base_url}workspaces/blue/", timeout=20) as inside:
        send(inside, *(event(resource_id=key, occurred=BASE + timedelta(hours=number)) for number in range(3)))
        page = listed(inside, filter={"resource": {"id": [key]}}, limit=2)
    assert str(page.next_page).startswith(f"{api.base_url}workspaces/blue/events/filter/next?page-token=")
    following = decode(api.get(str(page.next_page)).raise_for_status(), wire.EventPage)
    assert (len(page.events), len(following.events)) == (2, 1)


@pytest.mark.parametrize(
    "part",
    [
        {"event": {"prefix": ["x"] * 501}},
        {"event": {"exclude_prefix": ["x"] * 50_000}},
        {"any_resource": [{"id": ["x"]}] * 501},
        {"any_resource": {"labels": {"a": ["x"] * 501}}},
        {"resource": {"labels": {f"label-{number}": "x" for number in range(20_000)}}},
        {"related": {"resources_in_roles": [["x", "y"]] * 501}},
    ],
    ids=lambda part: str(part)[:40],
)
def test_a_filter_of_too_many_parts_is_refused(api: httpx.Client, part: dict[str, Any]) -> None:
    """It would keep the database busy for minutes; values to be equal to may be many."""
    assert api.post("/events/filter", json={"filter": part}).status_code == 422
    assert api.post("/events/count-by/event", json={"filter": part}).status_code == 422
    assert api.post("/events/filter", json={"filter": {"event": {"name": ["x"] * 5000}}}).status_code == 200


def token_of(**place: Any) -> str:
    """A page token as a server writes it."""
    whole = {"filter": {}, "count": 5, "page_size": 2, "offset": 0, **place}
    return base64.b64encode(base64.b64encode(msgspec.json.encode(whole))).decode()


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "e30=",
        "ZTMwPQ==",
        "\u00e9",
        base64.b64encode(base64.b64encode(b"\xff")).decode(),
        base64.b64encode(base64.b64encode(b"[" * 20_000)).decode(),
        token_of(page_size=-1),
        token_of(page_size=51),
        token_of(offset=-1),
    ],
    ids=range(9),
)
def test_a_page_token_of_ones_own_making_is_refused(api: httpx.Client, token: str) -> None:
    """Without an error of the server."""
    assert api.get("/events/filter/next", params={"page-token": token}).status_code == 403


def test_a_bad_event_is_refused_with_its_whole_batch(api: httpx.Client) -> None:
    """And the answer says what is wrong."""
    good, bad = event(resource_id=new_id()), event(resource_id=new_id())
    bad.resource = {"name": "nothing"}
    answer = api.post("/events", content=f"[{frame(good)},{frame(bad)}]")
    assert answer.status_code == 422
    assert "prefect.resource.id" in answer.text
    bad.resource = {"prefect.resource.id": "x"} | {str(number): "" for number in range(501)}
    assert api.post("/events", content=f"[{frame(good)},{frame(bad)}]").status_code == 422
    assert listed(api, filter={"resource": {"id": [good.resource_id]}}).total == 0


def counted(api: httpx.Client, by: str, wanted: dict[str, Any], **options: Any) -> list[wire.EventCount]:
    answer = api.post(f"/events/count-by/{by}", json={"filter": wanted, **options}).raise_for_status()
    counts: list[wire.EventCount] = decode(answer, list[wire.EventCount])
    return counts


def test_events_are_counted_by_name(api: httpx.Client, key: str) -> None:
    """The most frequent first, with the time of the first and the last."""
    [a, b] = counted(api, "event", {"resource": {"id": [key]}})
    assert (a.value, a.label, a.count) == ("a", "a", 3)
    assert (a.start_time, a.end_time) == (BASE, BASE + timedelta(hours=2))
    assert (b.value, b.count) == ("b", 2)


def test_events_are_counted_by_resource(api: httpx.Client, key: str) -> None:
    """Under the name of the newest event, else the id."""
    named = event("c", f"{key}-2", occurred=BASE, labels={"prefect.resource.name": "Old"})
    renamed = event("c", f"{key}-2", occurred=BASE + timedelta(hours=1), labels={"prefect.resource.name": "New"})
    send(api, named, renamed)
    [first, second] = counted(api, "resource", {"resource": {"id_prefix": [key]}})
    assert (first.value, first.label, first.count) == (key, key, 5)
    assert (second.value, second.label, second.count) == (f"{key}-2", "New", 2)


def test_resources_of_as_many_events_are_in_the_order_of_their_names(api: httpx.Client, key: str) -> None:
    """An empty name is none; of events of one moment the one with the last id counts."""
    first, second = "prefect.resource.name", "prefect.name"
    prefix = f"{key}-of-"
    both = [event("c", f"{prefix}1", occurred=BASE, labels={first: name, second: "z"}) for name in "bc"]
    unnamed = [event("c", f"{prefix}2", occurred=BASE, labels={first: "", second: "a"}) for _ in range(2)]
    send(api, *both, *unnamed, *(event("c", f"{prefix}{number}", occurred=BASE) for number in "33"))
    counts = counted(api, "resource", {"resource": {"id_prefix": [prefix]}})
    assert [(each.value.removeprefix(prefix), each.label, each.count) for each in counts] == [
        ("3", f"{prefix}3", 2),
        ("2", "a", 2),
        ("1", max(both, key=lambda each: each.id).resource[first], 2),
    ]


@pytest.mark.parametrize("by", ["time", "day"])
def test_events_are_counted_by_time(api: httpx.Client, key: str, by: str) -> None:
    """Every stretch of the range is there, the empty ones too."""
    occurred = {"since": BASE.isoformat(), "until": (BASE + timedelta(hours=7)).isoformat()}
    wanted = {"resource": {"id": [key]}, "occurred": occurred}
    counts = counted(api, by, wanted, time_unit="hour", time_interval=2)
    assert [each.count for each in counts] == [2, 2, 1, 0]
    assert [each.value for each in counts] == ["0", "1", "2", "3"]
    assert counts[0].label == BASE.isoformat()
    assert counts[0].end_time == BASE + timedelta(hours=2, microseconds=-1)


def test_too_fine_a_count_is_refused(api: httpx.Client) -> None:
    """More than a thousand stretches."""
    assert api.post("/events/count-by/time", json={"filter": {}, "time_unit": "second"}).status_code == 422
    assert api.post("/events/count-by/time", json={"filter": {}, "time_interval": 0.001}).status_code == 422
    assert api.post("/events/count-by/nothing", json={"filter": {}}).status_code == 422


def test_the_future_is_cut_to_the_present_unit() -> None:
    """So that a range without an end does not end in empty stretches."""
    now = datetime(2026, 5, 6, 12, 30, tzinfo=UTC)
    occurred = wire.EventOccurred(since=now - timedelta(hours=2), until=now + timedelta(days=30))
    query = wire.EventCountQuery(filter=wire.EventFilter(occurred=occurred), time_unit="hour", time_interval=1.0)
    starts = [start for start, _ in spans(query, now)]
    assert starts == [datetime(2026, 5, 6, hour, tzinfo=UTC) for hour in (10, 11, 12)]
