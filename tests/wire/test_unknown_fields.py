"""The fields of a body that nobody reads are found, at every depth."""

from typing import Any

import msgspec
import pytest

from podium.wire.automations import AutomationCreate
from podium.wire.catalogue import ROWS
from podium.wire.deployments import DeploymentCreate, DeploymentFlowRunCreate
from podium.wire.flow_runs import FlowRunCreate, FlowRunQuery
from podium.wire.scalars import Labels
from podium.wire.states import SetState
from podium.wire.unknown_fields import twin_decoder, unknown_fields
from tests.contract.exchanges import body_schema
from tests.contract.samples import sample

FLOW_ID = "5c0ffee0-0000-4000-8000-000000000001"


def refuses(kind: Any, content: bytes) -> bool:
    """Whether the quick look finds some."""
    decoder = twin_decoder(kind)
    try:
        if decoder is not None:
            decoder.decode(content)
    except msgspec.DecodeError:
        return True
    return False


@pytest.mark.parametrize(
    ("kind", "body", "names"),
    [
        (FlowRunCreate, {"flow_id": FLOW_ID, "parameters": {"any": {"thing": 1}}, "context": {"a": 1}}, []),
        (FlowRunCreate, {"flow_id": FLOW_ID, "colour": 1, "size": None}, ["colour", "size"]),
        (
            SetState,
            {"state": {"type": "RUNNING", "mood": 1, "state_details": {"depth": 1}}},
            ["state.mood", "state.state_details.depth"],
        ),
        (
            DeploymentCreate,
            {"schedules": [{"schedule": {"cron": "x", "y": 1}, "a": 1}, {"a": 2, "b": 1}]},
            ["schedules.a", "schedules.b"],
        ),
        (list[DeploymentFlowRunCreate], [{"parameters": {}}, {"extra": 1}], ["extra"]),
        (
            AutomationCreate,
            {"trigger": {"type": "event", "x": 1}, "actions": [{"type": "do-nothing", "y": 1}]},
            ["trigger.x", "actions.y"],
        ),
        (AutomationCreate, {"trigger": {"type": "compound", "triggers": [{"type": "event"}]}}, []),
        (FlowRunQuery, {"flow_runs": {"id": {"any_": []}}, "more": 1}, ["more"]),
        (Labels, {"anything": "goes"}, []),
    ],
)
def test_each_is_named_once_with_its_place(kind: Any, body: Any, names: list[str]) -> None:
    """Objects with free keys have no unknown ones."""
    content = msgspec.json.encode(body)
    assert unknown_fields(kind, content) == names
    assert (names != []) == refuses(kind, content)


@pytest.mark.parametrize("content", [b"", b"null", b"3", b"{", b'"\xff"', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_body_has_none(content: bytes) -> None:
    """Whatever is sent, nothing is raised."""
    assert unknown_fields(FlowRunCreate, content) == []


def test_the_contract_has_no_field_that_is_unknown() -> None:
    """A body with every field that the contract names."""
    found = {}
    for name, row in ROWS.items():
        operation = f"{row.method} {row.path}"
        try:
            schema = body_schema(operation)
        except KeyError:
            continue
        content = b"" if schema is None else msgspec.json.encode(sample(schema))
        if content and (refuses(row.body, content) or unknown_fields(row.body, content)):
            found[name] = unknown_fields(row.body, content)
    assert found == {}
