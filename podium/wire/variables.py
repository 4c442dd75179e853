"""Variables: small JSON values by name."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from podium.wire.endpoint import Body, Endpoint, Filter, Patch
from podium.wire.filters import AllTags, AnyId, AnyNameOrLike, Operator
from podium.wire.parameters import Listing, Parameters, Row
from podium.wire.scalars import OrDefault, refusal
from podium.wire.sorting import VariableSort

VariableName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[a-z0-9_-]+$(?!\n)")]
MAXIMUM_VALUE_LENGTH = 5000  # characters of JSON text


def _check_length(value: Any) -> None:
    if len(msgspec.json.encode(value).decode()) > MAXIMUM_VALUE_LENGTH:
        raise refusal("value", f"Expected JSON of at most {MAXIMUM_VALUE_LENGTH} characters")


class VariableCreate(Body):
    """A variable to create."""

    name: VariableName
    value: Any
    tags: list[str] = []

    def __post_init__(self) -> None:
        """Refuse a value that is too long."""
        _check_length(self.value)


class VariableUpdate(Patch):
    """What may change of a variable."""

    name: VariableName | UnsetType | None = UNSET
    value: Any | UnsetType = UNSET
    tags: list[str] | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        """Refuse a value that is too long."""
        if self.value is not UNSET:
            _check_length(self.value)


class Variable(Row):
    """A variable."""

    name: str
    value: Any
    tags: list[str] = []


class VariableFilter(Filter):
    """Selects variables."""

    id: AnyId | None = None
    name: AnyNameOrLike | None = None
    tags: AllTags | None = None
    operator: Operator = "and_"


class VariableQuery(Listing):
    """Which variables to list."""

    variables: VariableFilter | None = None
    sort: OrDefault[VariableSort] = "NAME_ASC"


class VariableCountQuery(Parameters):
    """Which variables to count."""

    variables: VariableFilter | None = None


CREATE = Endpoint(
    method="POST",
    path="/variables/",
    summary="Create a variable",
    body=VariableCreate,
    answer=Variable,
    status=201,
    statuses=(409, 422),
    permission="edit",
)
READ = Endpoint(method="GET", path="/variables/{id}", summary="Read a variable", answer=Variable, statuses=(404, 422))
READ_BY_NAME = Endpoint(
    method="GET",
    path="/variables/name/{name}",
    summary="Read a variable by its name",
    answer=Variable,
    statuses=(404, 422),
)
FILTER = Endpoint(
    method="POST",
    path="/variables/filter",
    summary="List variables",
    body=VariableQuery,
    body_required=False,
    answer=list[Variable],
    statuses=(422,),
)
COUNT = Endpoint(
    method="POST",
    path="/variables/count",
    summary="Count variables",
    body=VariableCountQuery,
    body_required=False,
    answer=int,
    statuses=(422,),
)
UPDATE = Endpoint(
    method="PATCH",
    path="/variables/{id}",
    summary="Change a variable",
    body=VariableUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
UPDATE_BY_NAME = Endpoint(
    method="PATCH",
    path="/variables/name/{name}",
    summary="Change a variable by its name",
    body=VariableUpdate,
    status=204,
    statuses=(404, 409, 422),
    permission="edit",
)
DELETE = Endpoint(
    method="DELETE",
    path="/variables/{id}",
    summary="Delete a variable",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
DELETE_BY_NAME = Endpoint(
    method="DELETE",
    path="/variables/name/{name}",
    summary="Delete a variable by its name",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
