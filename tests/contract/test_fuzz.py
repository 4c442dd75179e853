"""Made-up requests to every operation: each answer is one that the OpenAPI document describes, and none is a failure.

The requests come from the document itself, good ones and bad ones, and name in part what is there. `make fuzz` makes
200 for each operation and database from a seed of the day; the suite makes a few, always the same.
"""

import os
import time
from collections.abc import Iterator
from random import Random
from typing import Any

import httpx
import hypothesis
import msgspec
import pytest
import requests
import schemathesis
from hypothesis import strategies
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from podium.wire import openapi
from tests.contract.garden import Garden
from tests.server.conftest import LiveServer

EXAMPLES = int(os.environ.get("PODIUM_TEST_EXAMPLES", "3"))
SEED = int(os.environ.get("PODIUM_TEST_SEED", "1"))
LONGEST = 60.0
"""Seconds an operation may be tried; what is left out then is left out of the count."""

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DOCUMENT = schemathesis.openapi.from_dict(msgspec.json.decode(openapi.encoded("/api")))
OPERATIONS = {each.ok().label: each.ok() for each in DOCUMENT.get_all_operations()}
DESTRUCTIVE = {label for label in OPERATIONS if label.startswith("DELETE") or "bulk_delete" in label}
REPLANTED_AFTER = 4

SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=list(hypothesis.HealthCheck),
    phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink] if EXAMPLES > 20 else [hypothesis.Phase.generate],
    report_multiple_bugs=False,
)


@pytest.fixture(scope="module")
def garden(api: httpx.Client) -> Garden:
    return Garden(api)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


def cases(operation: Any) -> Any:
    """Requests as the document wants them, and where it wants anything some that it does not."""
    good = operation.as_strategy(schemathesis.GenerationMode.POSITIVE)
    if operation.body or operation.query or operation.path_parameters:
        return good | good | operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)
    return good


def graft(case: Any, garden: Garden, random: Random) -> None:
    """Puts real ids and names into a request, and for the most part leaves out the version of the API."""
    if isinstance(case.path_parameters, dict):
        case.path_parameters = garden.path(case.operation.path, case.path_parameters, random)
    case.body = garden.body(case.body, random)
    if isinstance(case.query, dict):
        case.query = garden.body(case.query, random)
    if case.headers and random.random() < 0.9:
        case.headers.pop("x-prefect-api-version", None)


@pytest.mark.timeout(LONGEST * 3)
@pytest.mark.filterwarnings("ignore::Warning")
@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_every_answer_is_one_that_is_described(
    label: str, server: LiveServer, garden: Garden, session: requests.Session, record_property: Any
) -> None:
    """No answer is a failure of the server; status, media type, headers and body are those of the document."""
    end = time.monotonic() + LONGEST
    tried = deleted = 0

    @hypothesis.seed(SEED)
    @SETTINGS
    @hypothesis.given(case=cases(OPERATIONS[label]), number=strategies.integers(0, 2**32 - 1))
    def ask(case: Any, number: int) -> None:
        nonlocal tried, deleted
        if time.monotonic() > end:
            return
        graft(case, garden, Random(number))
        answer = case.call(base_url=server.url, session=session, timeout=60)
        tried += 1
        if label in DESTRUCTIVE and answer.status_code < 300:
            deleted += 1
            if deleted % REPLANTED_AFTER == 0:
                garden.plant()
        case.validate_response(answer, checks=CHECKS)

    try:
        ask()
    finally:
        record_property("examples", tried)
        if deleted:
            garden.plant()
