"""The lists, counts and histories that the pages, the commands and the SDK ask for, with values that change by call."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bench import large_data as data
from bench.large_data import DAY, SECOND, Scale

Body = dict[str, Any]
HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Call:
    """One measured line: what it asks, and how the request of turn ``n`` is made."""

    name: str
    path: Callable[[int], str]
    body: Callable[[int], Body] | None

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"


def moment(microseconds: int) -> str:
    """A time as clients send it."""
    return datetime.fromtimestamp(microseconds / SECOND, UTC).isoformat().replace("+00:00", "Z")


def calls(scale: Scale) -> list[Call]:
    """Every line, in the order of the table."""
    made = [*_flow_runs(scale), *_run_counts(scale), *_task_runs(scale), *_pages(scale), *_events(scale)]
    return [*made, *_records(scale), *_work(scale), *_definitions(scale)]


def post(path: str, name: str, body: Callable[[int], Body] | None = None) -> Call:
    """A POST whose path never changes."""
    return Call(f"{path} {name}".strip(), lambda n: path, body or (lambda n: {}))


def with_(selected: Callable[[int], Body], **more: Any) -> Callable[[int], Body]:
    """The body, and what is the same each turn."""
    return lambda n: {**selected(n), **more}


def both(first: Callable[[int], Body], second: Callable[[int], Body]) -> Callable[[int], Body]:
    """Two bodies in one."""
    return lambda n: {**first(n), **second(n)}


def paged(step: int, **more: Any) -> Callable[[int], Body]:
    """A page of 50, each turn from so many rows further on."""
    return lambda n: {**more, "limit": 50, "offset": n * step}


def _filters(scale: Scale) -> dict[str, Callable[[int], Body]]:
    """What flow runs are selected by."""
    now, runs = scale.now, scale.flow_runs

    def of_runs(**fields: Any) -> Body:
        return {"flow_runs": fields}

    def since(days: float) -> Body:
        return {"after_": moment(now - round(days * DAY)), "before_": moment(now)}

    return {
        "state type": lambda n: of_runs(state={"type": {"any_": ["FAILED", "CRASHED"]}}),
        "state completed": lambda n: of_runs(state={"type": {"any_": ["COMPLETED"]}}),
        "state active": lambda n: of_runs(state={"type": {"any_": ["RUNNING", "PENDING"]}}),
        "state name": lambda n: of_runs(state={"name": {"any_": [("Late", "Crashed", "Running")[n % 3]]}}),
        "a common tag": lambda n: of_runs(tags={"all_": [f"team-{n % 20 + 5}"]}),
        "a rare tag": lambda n: of_runs(tags={"all_": [f"batch-{n * 37 % (runs // 50)}"]}),
        "any of tags": lambda n: of_runs(tags={"any_": [f"batch-{n * 37 % (runs // 50)}", f"batch-{n}"]}),
        "flow id": lambda n: {"flows": {"id": {"any_": [data.flow_id(scale, n * 7 % scale.flows)]}}},
        "flow name": lambda n: {"flows": {"name": {"any_": [f"flow-{n % scale.flows:04}-{data.NOUNS[n % 12]}"]}}},
        "flow name like": lambda n: {"flows": {"name": {"like_": data.NOUNS[n % 12]}}},
        "deployment id": lambda n: of_runs(
            deployment_id={"any_": [data.deployment_id(scale, n * 11 % (scale.flows * 2))]}
        ),
        "deployments": lambda n: {"deployments": {"id": {"any_": [data.deployment_id(scale, n + 5)]}}},
        "work pool": lambda n: {"work_pools": {"name": {"any_": [f"pool-{n % scale.pools:02}"]}}},
        "work queue": lambda n: {
            "work_pools": {"name": {"any_": [f"pool-{n % scale.pools:02}"]}},
            "work_pool_queues": {"name": {"any_": ["high"]}},
        },
        "name like, many": lambda n: of_runs(name={"like_": data.NOUNS[n % 12]}),
        "name like, one": lambda n: of_runs(name={"like_": f"-{n * 4099 % runs:x}"}),
        "name like, none": lambda n: of_runs(name={"like_": f"nothing-{n}"}),
        "name": lambda n: of_runs(name={"any_": [_run_name(n * 4099 % runs)]}),
        "ids": lambda n: of_runs(id={"any_": [data.flow_run_id(scale, (n + k) * 97 % runs) for k in range(20)]}),
        "last day": lambda n: of_runs(start_time=since(1 + n / 100)),
        "last week": lambda n: of_runs(start_time=since(7 + n / 100)),
        "last week, expected": lambda n: of_runs(expected_start_time=since(7 + n / 100)),
        "last month, expected": lambda n: of_runs(expected_start_time=since(30 + n / 100)),
        "failed last week": lambda n: of_runs(
            state={"type": {"any_": ["FAILED", "CRASHED"]}}, expected_start_time=since(7 + n / 100)
        ),
        "no parent": lambda n: of_runs(parent_task_run_id={"is_null_": True}),
        "scheduled next": lambda n: of_runs(
            state={"type": {"any_": ["SCHEDULED"]}}, next_scheduled_start_time={"after_": moment(now + n * SECOND)}
        ),
        "ended last day": lambda n: of_runs(end_time=since(1 + n / 100)),
        "task of run": lambda n: {"task_runs": {"id": {"any_": [data.task_run_id(scale, n * 5003 % runs)]}}},
    }


def _run_name(number: int) -> str:
    return f"{data.ADJECTIVES[number % 12]}-{data.NOUNS[number // 12 % 12]}-{number:x}"


def _flow_runs(scale: Scale) -> Iterator[Call]:
    sorts = (
        "ID_DESC", "START_TIME_ASC", "START_TIME_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC",
        "NAME_ASC", "NAME_DESC", "NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC",
    )  # fmt: skip
    for sort in sorts:
        yield post("/flow_runs/filter", sort, paged(50, sort=sort))
    filters = _filters(scale)
    for name, selected in filters.items():
        for sort in ("START_TIME_DESC", "ID_DESC") if name in ("state active", "flow id") else ("START_TIME_DESC",):
            yield post(
                "/flow_runs/filter",
                f"{name} {'by id' if sort == 'ID_DESC' else ''}".strip(),
                with_(selected, sort=sort, limit=50),
            )
    yield post("/flow_runs/paginate", "", lambda n: {"limit": 50, "page": n + 1, "sort": "START_TIME_DESC"})
    for name in ("state type", "last week, expected", "flow id"):
        yield post(
            "/flow_runs/paginate",
            name,
            with_(filters[name], limit=50, sort="EXPECTED_START_TIME_DESC"),
        )


def _history(scale: Scale, days: int, hours: int) -> Callable[[int], Body]:
    return lambda n: {
        "history_start": moment(scale.now - days * DAY - n * HOUR),
        "history_end": moment(scale.now - n * HOUR),
        "history_interval_seconds": hours * 3600,
    }


def _run_counts(scale: Scale) -> Iterator[Call]:
    filters = _filters(scale)
    yield post("/flow_runs/count", "")
    for name, selected in filters.items():
        yield post("/flow_runs/count", name, selected)
    yield post("/flow_runs/lateness", "")
    for name in ("last week, expected", "flow id", "state active", "work pool"):
        yield post("/flow_runs/lateness", name, filters[name])
    yield post("/flow_runs/history", "30 days by day", _history(scale, 30, 24))
    yield post("/flow_runs/history", "1 day by hour", _history(scale, 1, 1))
    for name in ("flow id", "state type", "work pool", "deployment id"):
        yield post("/flow_runs/history", f"30 days, {name}", both(_history(scale, 30, 24), filters[name]))


def _task_runs(scale: Scale) -> Iterator[Call]:
    tasks, large = scale.flow_runs, data.flow_run_id(scale, data.large_run(scale))

    def since(days: float) -> Body:
        return {"after_": moment(scale.now - round(days * DAY)), "before_": moment(scale.now)}

    def task_parent(n: int) -> str:
        return data.flow_run_id(scale, data.task_flow_run(scale, n * 5003 % (tasks // 2)))

    def started_in(days: int) -> Callable[[int], Body]:
        return lambda n: {"task_runs": {"start_time": since(days + n / 100)}}

    filters: dict[str, Callable[[int], Body]] = {
        "": lambda n: {},
        "state": lambda n: {"task_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED"]}}}},
        "state completed": lambda n: {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}},
        "flow run": lambda n: {"task_runs": {"flow_run_id": {"any_": [task_parent(n)]}}},
        "flow runs": lambda n: {"flow_runs": {"id": {"any_": [task_parent(n)]}}},
        "large flow run": lambda n: {"task_runs": {"flow_run_id": {"any_": [large]}}},
        "flow id": lambda n: {"flows": {"id": {"any_": [data.flow_id(scale, n * 7 % scale.flows)]}}},
        "tag": lambda n: {"task_runs": {"tags": {"all_": [f"kind-{n % 10}"]}}},
        "name like": lambda n: {"task_runs": {"name": {"like_": f"-{n * 4099 % tasks:x}"}}},
        "last day": lambda n: {"task_runs": {"start_time": since(1 + n / 100)}},
        "last week, expected": lambda n: {"task_runs": {"expected_start_time": since(7 + n / 100)}},
    }
    sorts = (
        "ID_DESC", "EXPECTED_START_TIME_ASC", "EXPECTED_START_TIME_DESC", "NAME_ASC", "NAME_DESC",
        "NEXT_SCHEDULED_START_TIME_ASC", "END_TIME_DESC",
    )  # fmt: skip
    for sort in sorts:
        yield post("/task_runs/filter", sort, paged(50, sort=sort))
    for name, selected in list(filters.items())[1:]:
        yield post("/task_runs/filter", name, with_(selected, sort="EXPECTED_START_TIME_DESC", limit=50))
    yield post("/task_runs/paginate", "", lambda n: {"limit": 50, "page": n + 1})
    for path in ("/task_runs/count", "/ui/task_runs/count"):
        for name, selected in filters.items():
            yield post(path, name, selected)
    yield post("/task_runs/history", "30 days by day", _history(scale, 30, 24))
    yield post("/task_runs/history", "1 day by hour", _history(scale, 1, 1))
    for days in (1, 7, 30):
        yield post("/ui/task_runs/dashboard/counts", f"{days} days", started_in(days))


def _pages(scale: Scale) -> Iterator[Call]:
    runs, large = scale.flow_runs, data.flow_run_id(scale, data.large_run(scale))

    def flows(n: int) -> list[str]:
        return [data.flow_id(scale, (n * 50 + k) % scale.flows) for k in range(50)]

    yield post("/ui/flow_runs/history", "1000 of last week", lambda n: {
        "sort": "EXPECTED_START_TIME_DESC",
        "flow_runs": {"expected_start_time": {"after_": moment(scale.now - 7 * DAY - n * HOUR)}},
    })  # fmt: skip
    yield post("/ui/flow_runs/history", "60 of a deployment", lambda n: {
        "sort": "EXPECTED_START_TIME_DESC", "limit": 60,
        "deployments": {"id": {"any_": [data.deployment_id(scale, n * 11 % (2 * scale.flows))]}},
    })  # fmt: skip
    yield post("/ui/flow_runs/count-task-runs", "", lambda n: {
        "flow_run_ids": [data.flow_run_id(scale, (n * 50 + k) * 10 % runs) for k in range(50)]
    })  # fmt: skip
    yield post("/ui/flows/count-deployments", "", lambda n: {"flow_ids": flows(n)})
    yield post("/ui/flows/next-runs", "", lambda n: {"flow_ids": flows(n)})
    yield Call("/flow_runs/{id}/graph-v2 of 1,000 task runs", lambda n: f"/flow_runs/{large}/graph-v2", None)
    yield Call(
        "/flow_run_states/ of a run",
        lambda n: f"/flow_run_states/?flow_run_id={data.flow_run_id(scale, n * 97 % runs)}",
        None,
    )
    yield Call(
        "/task_run_states/ of a run",
        lambda n: f"/task_run_states/?task_run_id={data.task_run_id(scale, n * 97 % runs)}",
        None,
    )


def _events(scale: Scale) -> Iterator[Call]:
    def during(days: float, **others: Any) -> Callable[[int], Body]:
        return lambda n: {
            "filter": {
                "occurred": {"since": moment(scale.now - round(days * DAY) - n * HOUR), "until": moment(scale.now)},
                **{name: value(n) if callable(value) else value for name, value in others.items()},
            }
        }

    def run(n: int) -> str:
        return f"prefect.flow-run.{data.flow_run_id(scale, n * 4099 % (scale.flow_runs // 2))}"

    def flow(n: int) -> str:
        return f"prefect.flow.{data.flow_id(scale, n % scale.flows)}"

    yield post("/events/filter", "")
    yield post("/events/filter", "1 day", during(1))
    yield post("/events/filter", "30 days", during(30))
    yield post("/events/filter", "of a run", during(90, resource=lambda n: {"id": [run(n)]}))
    yield post("/events/filter", "about a run", during(90, any_resource=lambda n: {"id": [run(n)]}))
    yield post("/events/filter", "related flow", during(90, related=lambda n: {"id": [flow(n)]}))
    yield post("/events/filter", "a name, 7 days", during(7, event={"name": ["prefect.flow-run.Failed"]}))
    yield post("/events/filter", "a prefix, 7 days", during(7, event={"prefix": ["prefect.flow-run."]}))
    for countable in ("day", "event", "resource"):
        # By resource, an answer has each resource of the time, and grows with it.
        for days in (1,) if countable == "resource" else (1, 7, 30):
            body = during(days)
            what = "time" if countable == "day" else countable
            unit = {"time_unit": "hour" if days < 7 else "day"}
            yield post(f"/events/count-by/{what}", f"{days} days", with_(body, **unit))


def _records(scale: Scale) -> Iterator[Call]:
    runs, large = scale.flow_runs, data.flow_run_id(scale, data.large_run(scale))

    def lines(run: str, sort: str, **others: Any) -> Body:
        return {"logs": {"flow_run_id": {"any_": [run]}, **others}, "sort": sort, "limit": 200}

    def small(n: int) -> str:
        return data.flow_run_id(scale, n * 130 % runs)

    yield post("/logs/filter", "of a run", lambda n: lines(small(n), "TIMESTAMP_ASC"))
    yield post("/logs/filter", "of a large run", lambda n: {**lines(large, "TIMESTAMP_DESC"), "offset": n * 200})
    yield post("/logs/filter", "errors of a large run", lambda n: lines(large, "TIMESTAMP_ASC", level={"ge_": 40}))
    yield post("/logs/filter", "newest", lambda n: {"sort": "TIMESTAMP_DESC", "limit": 200, "offset": n * 200})
    yield post("/logs/filter", "of a task run", lambda n: {
        "logs": {"task_run_id": {"any_": [data.task_run_id(scale, n * 130 + 1)]}}, "sort": "TIMESTAMP_ASC"
    })  # fmt: skip
    for sort in ("ID_DESC", "CREATED_DESC", "UPDATED_DESC", "KEY_ASC", "KEY_DESC"):
        yield post("/artifacts/filter", sort, paged(50, sort=sort))
    named: dict[str, Callable[[int], Body]] = {
        "key": lambda n: {"artifacts": {"key": {"any_": [f"report-{n * 7 % scale.artifact_keys:05}"]}}},
        "key like": lambda n: {"artifacts": {"key": {"like_": f"report-{n % 10:03}"}}},
        "type": lambda n: {"artifacts": {"type": {"any_": ["markdown"]}}},
        "not results": lambda n: {"artifacts": {"type": {"not_any_": ["result"]}}},
        "flow run": lambda n: {"artifacts": {"flow_run_id": {"any_": [small(n)]}}},
    }
    for name, selected in named.items():
        yield post("/artifacts/filter", name, with_(selected, limit=50))
        yield post("/artifacts/count", name, selected)
    yield post("/artifacts/count", "")
    for sort in ("ID_DESC", "UPDATED_DESC", "KEY_ASC"):
        yield post("/artifacts/latest/filter", sort, paged(10, sort=sort))
    yield post("/artifacts/latest/count", "")


def _work(scale: Scale) -> Iterator[Call]:
    deployments = scale.flows * 2
    soon = moment(scale.now + HOUR)
    yield post("/deployments/get_scheduled_flow_runs", "", lambda n: {
        "deployment_ids": [data.deployment_id(scale, (n + k) % deployments) for k in range(10)],
        "scheduled_before": soon,
    })  # fmt: skip

    def pool(n: int) -> str:
        return f"/work_pools/pool-{n % scale.pools:02}"

    yield Call(
        "/work_pools/{name}/get_scheduled_flow_runs",
        lambda n: f"{pool(n)}/get_scheduled_flow_runs",
        lambda n: {"scheduled_before": soon, "limit": 50},
    )
    yield Call("/work_pools/{name}/queues/filter", lambda n: f"{pool(n)}/queues/filter", lambda n: {})
    yield Call("/work_pools/{name}/workers/filter", lambda n: f"{pool(n)}/workers/filter", lambda n: {})
    yield Call("/work_queues/{id}/status", lambda n: f"/work_queues/{data.queue_id(scale, n)}/status", None)
    for path in ("/work_pools/filter", "/work_pools/count", "/work_queues/filter", "/task_workers/filter"):
        yield post(path, "")


def _definitions(scale: Scale) -> Iterator[Call]:
    related: dict[str, Callable[[int], Body]] = {
        "with failed runs": lambda n: {"flow_runs": {"state": {"type": {"any_": ["FAILED"]}}}},
        "with active runs": lambda n: {"flow_runs": {"state": {"type": {"any_": ["RUNNING"]}}}},
        "with runs of last day": lambda n: {"flow_runs": {"expected_start_time": {"after_": moment(scale.now - DAY)}}},
    }
    for kind in ("flows", "deployments"):
        for sort in ("NAME_ASC", "CREATED_DESC", "UPDATED_DESC"):
            yield post(f"/{kind}/filter", sort, paged(1, sort=sort))
        for name, selected in {**_own(kind), **related}.items():
            yield post(f"/{kind}/filter", name, with_(selected, limit=50))
            yield post(f"/{kind}/count", name, selected)
        yield post(f"/{kind}/paginate", "", lambda n: {"limit": 50, "page": n % 3 + 1})
        yield post(f"/{kind}/count", "")
    for path in (
        "/variables",
        "/automations",
        "/block_documents",
        "/notifications",
        "/notification_deliveries",
        "/webhooks",
    ):
        yield post(f"{path}/filter", "")
        yield post(f"{path}/count", "")
    for path in ("/concurrency_limits", "/v2/concurrency_limits", "/block_types", "/block_schemas", "/saved_searches"):
        yield post(f"{path}/filter", "")


def _own(kind: str) -> dict[str, Callable[[int], Body]]:
    return {
        "tags": lambda n: {kind: {"tags": {"all_": [f"team-{n % 20}"]}}},
        "name like": lambda n: {kind: {"name": {"like_": f"-00{n % 10}"}}},
    }
