"""A text that one of the databases cannot store is refused on both, by its field."""

from typing import Any

import msgspec
import pytest

from podium.wire.block_documents import BlockDocumentCreate
from podium.wire.decoding import BadBody, decode
from podium.wire.deployments import DeploymentCreate
from podium.wire.flow_runs import FlowRunCreate, FlowRunQuery
from podium.wire.logs import LogCreate
from podium.wire.states import SetState
from podium.wire.texts import LONGEST_NAME, check_texts

FLOW_ID = "5c0ffee0-0000-4000-8000-000000000001"
RUN = {"flow_id": FLOW_ID}
CRON = {"schedule": {"cron": "* * * * *"}}


def checked(kind: Any, body: Any) -> None:
    content = msgspec.json.encode(body)
    check_texts(kind, decode(kind, content), content)


@pytest.mark.parametrize(
    ("kind", "body", "where"),
    [
        (FlowRunCreate, RUN | {"name": "a\0b"}, ["name"]),
        (FlowRunCreate, RUN | {"name": "x" * (LONGEST_NAME + 1)}, ["name"]),
        (FlowRunCreate, RUN | {"name": "\u20ac" * 700}, ["name"]),
        (FlowRunCreate, RUN | {"idempotency_key": "x" * 3000}, ["idempotency_key"]),
        (FlowRunCreate, RUN | {"tags": ["fine", "x\0"]}, ["tags", 1]),
        (FlowRunCreate, RUN | {"tags": ["fine", "x" * 3000]}, ["tags", 1]),
        (FlowRunCreate, RUN | {"labels": {"a\0": 1}}, ["labels", "a\0"]),
        (FlowRunCreate, RUN | {"labels": {"a": "\0"}}, ["labels", "a"]),
        (SetState, {"state": {"type": "RUNNING", "name": "\0"}}, ["state", "name"]),
        (FlowRunQuery, {"flow_runs": {"name": {"any_": ["\0"]}}}, ["flow_runs", "name", "any_", 0]),
        (DeploymentCreate, RUN | {"name": "d", "schedules": [{**CRON, "slug": "\0"}]}, ["schedules", 0, "slug"]),
    ],
)
def test_it_is_refused_by_its_field(kind: Any, body: Any, where: list[Any]) -> None:
    """NUL characters anywhere, and names that no index takes."""
    with pytest.raises(BadBody) as caught:
        checked(kind, body)
    assert caught.value.details[0]["loc"] == ["body", *where]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FlowRunCreate, RUN | {"name": "x" * LONGEST_NAME}),
        (FlowRunCreate, RUN | {"parameters": {"name": "\0" + "x" * 3000, "\0": [1]}}),
        (FlowRunCreate, RUN | {"name": r"a\u0000b"}),
        (FlowRunQuery, {"flow_runs": {"name": {"any_": ["x" * 3000]}}}),
        (SetState, {"state": {"type": "FAILED", "message": "\0" + "x" * 3000, "data": "\0"}}),
        (list[LogCreate], [{"name": "\0" * 3000, "level": 1, "message": "\0", "timestamp": "2026-01-01T00:00:00Z"}]),
        (BlockDocumentCreate, {"data": {"a": "\0"}, "block_schema_id": FLOW_ID, "block_type_id": FLOW_ID, "name": "a"}),
        (DeploymentCreate, RUN | {"name": "d", "description": "x" * 9000, "entrypoint": "x" * 3000}),
    ],
)
def test_what_may_be_stored_is_left_alone(kind: Any, body: Any) -> None:
    """Free JSON as it came, texts that are cleaned, filters for long names, texts that no index has."""
    checked(kind, body)
