"""The bodies real clients send decode, word for word; so do the answers they rely on."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest

from podium.wire.catalogue import ROWS
from podium.wire.decoding import decode, decode_optional, encode
from podium.wire.flow_runs import FlowRun
from podium.wire.schedules import CronSchedule, IntervalSchedule, RRuleSchedule

ID = "01a1fad9-f4c8-7cc0-b9fe-8606a5a6673f"
DETAILS = {
    "flow_run_id": ID, "task_run_id": None, "child_flow_run_id": None, "scheduled_time": None, "cache_key": None,
    "cache_expiration": None, "deferred": None, "untrackable_result": False, "pause_timeout": None,
    "pause_reschedule": False, "pause_key": None, "run_input_keyset": None, "refresh_cache": None, "retriable": None,
    "transition_id": ID, "task_parameters_id": None, "traceparent": None, "deployment_concurrency_lease_id": None,
}  # fmt: skip
NO_FILTERS = {"flows": None, "flow_runs": None, "task_runs": None, "deployments": None, "work_pools": None}
DEPLOYMENT = {
    "name": "daily", "flow_id": ID, "paused": False,
    "schedules": [
        {"schedule": {"interval": 3600.0, "anchor_date": "2026-11-20T21:25:51.578816Z", "timezone": "UTC"},
         "active": True, "max_scheduled_runs": None, "parameters": {}, "slug": None, "replaces": None},
        {"schedule": {"cron": "0 0 * * *", "timezone": "Europe/Berlin", "day_or": True}, "active": True},
        {"schedule": {"rrule": "DTSTART:20200101T000000\nFREQ=DAILY", "timezone": "UTC"}, "active": True},
    ],
    "concurrency_limit": 2, "concurrency_options": {"collision_strategy": "ENQUEUE"}, "enforce_parameter_schema": True,
    "parameter_openapi_schema": {"type": "object", "properties": {}}, "parameters": {"x": 1}, "tags": ["a"],
    "labels": {}, "work_queue_name": None, "work_pool_name": "pool", "storage_document_id": None,
    "infrastructure_document_id": None, "description": None, "path": None, "entrypoint": None, "pull_steps": None,
    "job_variables": {}, "version": None, "version_info": {"type": "prefect:simple", "version": "1"},
}  # fmt: skip
EVENT = {
    "occurred": "2026-11-20T21:25:47.336527Z", "event": "prefect.flow-run.heartbeat",
    "resource": {"prefect.resource.id": f"prefect.flow-run.{ID}"},
    "related": [{"prefect.resource.id": "prefect.flow.1", "prefect.resource.role": "flow"}],
    "payload": {}, "id": ID, "follows": None,
}  # fmt: skip

BODIES: list[tuple[str, Any]] = [
    ("flows.CREATE", {"name": "main", "tags": [], "labels": {}}),
    ("flows.FILTER", {**NO_FILTERS, "work_queues": None, "sort": None, "limit": None, "offset": 0}),
    ("flow_runs.CREATE", {
        "state": {"type": "PENDING", "name": "Pending", "message": None, "state_details": {"traceparent": None},
                  "data": None},
        "name": None, "flow_id": ID, "flow_version": "fa07813e", "parameters": {"x": 4}, "context": {},
        "parent_task_run_id": ID, "empirical_policy": {"retries": 0, "retry_delay": 0}, "tags": []}),
    ("flow_runs.FILTER", {**NO_FILTERS, "flow_runs": {"parent_task_run_id": {"any_": [ID]}}, "work_pool_queues": None,
                          "sort": "EXPECTED_START_TIME_DESC", "limit": 1, "offset": 0}),
    ("flow_runs.UPDATE", {"flow_version": "1", "empirical_policy": {
        "max_retries": 0, "retry_delay_seconds": 0.0, "retries": None, "retry_delay": None, "pause_keys": ["s1"],
        "resuming": True, "retry_type": None}}),
    ("flow_runs.UPDATE", {"infrastructure_pid": "host:123"}),
    ("flow_runs.UPDATE_LABELS", {"prefect.worker.name": "w", "n": 1, "b": True, "f": 1.5}),
    ("flow_runs.SET_STATE", {"state": {"type": "RUNNING", "name": "Running", "message": None,
                                       "state_details": DETAILS, "data": None}, "force": False}),
    ("flow_runs.SET_STATE", {"state": {"type": "SCHEDULED", "name": None,
                                       "state_details": {"scheduled_time": "2026-11-20 18:01:50.168303+00:00"}}}),
    ("flow_runs.RESUME", {"run_input": None}),
    ("flow_runs.CREATE_INPUT", {"key": "paused-2-schema", "value": "{}", "sender": None}),
    ("flow_runs.FILTER_INPUT", {"prefix": "paused", "limit": 1, "exclude_keys": []}),
    ("task_runs.CREATE", {
        "state": {"type": "SCHEDULED", "name": "Scheduled", "message": None, "data": None, "state_details": {
            **DETAILS, "deferred": True, "task_parameters_id": ID, "scheduled_time": "2026-11-20T21:25:47Z"}},
        "name": "child-0", "flow_run_id": None, "task_key": "child-9016cb69", "dynamic_key": "0", "cache_key": None,
        "cache_expiration": None, "task_version": None, "tags": [], "labels": {},
        "empirical_policy": {"max_retries": 0, "retry_delay_seconds": 0.0, "retries": 3, "retry_delay": [1, 2.5],
                             "retry_jitter_factor": None},
        "task_inputs": {"x": [], "y": [{"input_type": "task_run", "id": ID}, {"input_type": "parameter", "name": "p"},
                                       {"input_type": "constant", "type": "int"}]}}),
    ("task_runs.FILTER", {"task_runs": {"flow_run_id": {"any_": [ID], "is_null_": None, "operator": "and_"}}}),
    ("deployments.CREATE", DEPLOYMENT),
    ("deployments.UPDATE", {"paused": True, "work_pool_name": None}),
    ("deployments.CREATE_FLOW_RUN", {
        "state": {"type": "SCHEDULED", "name": "Scheduled", "message": None, "data": None,
                  "state_details": {"scheduled_time": "2026-11-20T21:25:51.872310Z", "traceparent": None}},
        "name": None, "parameters": {"x": 5}, "context": {}, "tags": ["z"], "idempotency_key": None,
        "parent_task_run_id": None, "job_variables": {"env": {"A": "b"}}, "labels": {}}),
    ("deployments.GET_SCHEDULED_FLOW_RUNS", {"deployment_ids": [ID],
                                             "scheduled_before": "2026-11-22 21:26:00.347783+00:00"}),
    ("work_pools.CREATE", {"name": "pool", "type": "process", "base_job_template": {}, "is_paused": False}),
    ("work_pools.GET_SCHEDULED_FLOW_RUNS", {"work_queue_names": [],
                                            "scheduled_before": "2026-11-22 21:26:00.381196+00:00"}),
    ("work_queues.CREATE_IN_POOL", {"name": "q1", "description": None, "is_paused": False, "concurrency_limit": None,
                                    "priority": 2, "filter": None}),
    ("work_queues.UPDATE", {"concurrency_limit": None}),
    ("workers.HEARTBEAT", {"name": "w", "heartbeat_interval_seconds": 30}),
    ("workers.FILTER", {"workers": {"status": {"any_": ["ONLINE"]}}, "offset": None, "limit": None}),
    ("logs.CREATE", [{"name": "prefect.flow_runs", "level": 20, "message": "hello",
                      "timestamp": "2026-11-20T21:25:47.406478Z", "flow_run_id": ID, "task_run_id": None}]),
    ("logs.FILTER", {"logs": {"flow_run_id": {"any_": [ID]}}, "limit": 200, "offset": 0, "sort": "TIMESTAMP_ASC"}),
    ("events.CREATE", [EVENT]),
    ("events.FILTER", {"filter": {"event": {"prefix": ["prefect."], "exclude_prefix": None, "name": None},
                                  "related": [{"id": ["a"], "role": ["flow"]}],
                                  "occurred": {"since": "2026-11-20T21:00:00Z", "until": "2027-11-20T21:00:00Z"},
                                  "any_resource": {"labels": {"a": ["b", "!c"]}}, "order": "ASC"}, "limit": 50}),
    ("artifacts.CREATE", {"key": "md", "type": "markdown", "description": "d", "data": "# x", "flow_run_id": ID,
                          "task_run_id": None}),
    ("artifacts.UPDATE", {"data": 0.5}),
    ("variables.CREATE", {"name": "vv", "value": {"a": [1, 2.5, None]}, "tags": ["t"]}),
    ("variables.UPDATE_BY_NAME", {"name": "vv", "value": None, "tags": []}),
    ("block_documents.CREATE", {"name": "sec", "data": {"value": {"a": "b"}}, "block_schema_id": ID,
                                "block_type_id": ID, "is_anonymous": False}),
    ("block_documents.UPDATE", {"block_schema_id": ID, "data": {"value": "z"}}),
    ("block_documents.FILTER", {"include_secrets": True, "offset": None, "limit": None}),
    ("concurrency_v2.INCREMENT", {"names": ["rl"], "slots": 1, "mode": "rate_limit"}),
    ("concurrency_v2.INCREMENT_WITH_LEASE", {"names": ["tag:db"], "slots": 1, "mode": "concurrency",
                                             "lease_duration": 60, "holder": {"type": "task_run", "id": ID}}),
    ("concurrency_v2.RENEW", {"lease_duration": 300}),
    ("concurrency_v2.DECREMENT_WITH_LEASE", {"lease_id": ID}),
    ("concurrency.CREATE", {"tag": "db", "concurrency_limit": 4}),
    ("automations.FILTER", {"sort": "UPDATED_DESC", "automations": {"name": {"any_": ["n"]}}}),
    ("automations.UPDATE", {"enabled": False}),
    ("templates.VALIDATE", "{{ x }}"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "body"), [pytest.param(name, body, id=f"{number}-{name}") for number, (name, body) in enumerate(BODIES)]
)
def test_a_body_decodes_and_says_the_same_again(name: str, body: Any) -> None:
    """Every value a client sends is kept, whatever explicit nulls stand beside it."""
    decoded = decode(ROWS[name].body, encode(body))
    assert_kept(body, decoded)
    assert decode(ROWS[name].body, encode(decoded)) == decoded


UNKNOWN = {"work_queues"}  # a parameter the client sends to an endpoint that has none of that name


def assert_kept(sent: Any, kept: Any) -> None:
    """What was sent is there; null may have become the default it stands for."""
    if isinstance(kept, msgspec.Struct):
        for key in sent.keys() - UNKNOWN - {kept.__struct_config__.tag_field}:
            assert_kept(sent[key], getattr(kept, key))
    elif isinstance(sent, list):
        assert len(kept) == len(sent)
        for one, other in zip(sent, kept, strict=True):
            assert_kept(one, other)
    elif isinstance(sent, dict):
        assert kept.keys() == sent.keys()
        for key, value in sent.items():
            assert_kept(value, kept[key])
    elif isinstance(kept, datetime):
        assert kept == datetime.fromisoformat(sent)
    elif sent is not None:
        assert (str(kept) if isinstance(kept, UUID) else kept) == sent


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b"{}"])
def test_a_body_may_be_left_out_where_nothing_in_it_is_required(body: bytes) -> None:
    """No body, an empty one and null all mean the defaults."""
    row = ROWS["flow_runs.FILTER"]
    query = decode_optional(row.body, body)
    assert (query.limit, query.offset, query.sort, query.flow_runs) == (None, 0, "ID_DESC", None)
    assert decode_optional(ROWS["templates.VALIDATE"].body, b"") == ""


def test_null_for_a_parameter_is_its_default() -> None:
    """Clients write down every parameter; null for one must not differ from its absence."""
    query = decode(ROWS["flow_runs.FILTER_INPUT"].body, b'{"prefix": "a", "limit": null, "exclude_keys": null}')
    assert (query.limit, query.exclude_keys) == (1, [])
    increment = decode(ROWS["concurrency_v2.INCREMENT"].body, b'{"names": ["a"], "slots": 1, "mode": null}')
    assert increment.mode == "concurrency"


def test_a_patch_tells_null_from_absent() -> None:
    """Null clears, what is absent stays."""
    body = decode(ROWS["deployments.UPDATE"].body, b'{"paused": true, "work_pool_name": null}')
    assert body.sent() == {"paused": True, "work_pool_name": None}
    assert encode(body) == b'{"paused":true,"work_pool_name":null}'


def test_schedules_are_known_by_their_keys() -> None:
    """Each schedule of a deployment becomes the Struct of its kind, its interval in seconds."""
    body = decode(ROWS["deployments.CREATE"].body, encode(DEPLOYMENT))
    interval, cron, rrule = (each.schedule for each in body.schedules)
    anchor = datetime(2026, 11, 20, 21, 25, 51, 578816, tzinfo=UTC)
    assert interval == IntervalSchedule(interval=3600.0, anchor_date=anchor, timezone="UTC")
    assert cron == CronSchedule(cron="0 0 * * *", timezone="Europe/Berlin")
    assert rrule == RRuleSchedule(rrule="DTSTART:20200101T000000\nFREQ=DAILY", timezone="UTC")
    assert b'"schedule":{"interval":3600.0,"anchor_date":"2026-11-20T21:25:51.578816Z"' in encode(body)


def test_unknown_fields_of_a_body_are_ignored() -> None:
    """A newer client may say more than this server knows."""
    body = decode(ROWS["flows.CREATE"].body, b'{"name": "a", "colour": "blue"}')
    assert body.name == "a"


def test_a_flow_run_reads_back() -> None:
    """What the server says of a run is what the client reads: text ids, moments in UTC, seconds as numbers."""
    said = (
        b'{"id":"%(id)s","created":"2026-11-20T21:25:47.000001Z","updated":null,"flow_id":"%(id)s","name":"tall-owl",'
        b'"state":{"id":"%(id)s","type":"RUNNING","name":"Running","timestamp":"2026-11-20T21:25:47Z","data":null},'
        b'"total_run_time":1.5,"labels":{"a":1},"a_field_of_tomorrow":1}' % {b"id": ID.encode()}
    )
    run = decode(FlowRun, said)
    assert run.id == ID
    assert run.created == datetime(2026, 11, 20, 21, 25, 47, 1, tzinfo=UTC)
    assert run.state is not None
    assert run.state.type == "RUNNING"
    assert encode(run.state).startswith(b'{"id":"%s","type":"RUNNING","timestamp":"2026-11-20T21:25:47Z"' % ID.encode())
