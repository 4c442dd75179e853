"""Filters by the shape of their operators, and those that select runs and what belongs to them.

Inside a shape every operator given must hold, unless ``operator`` says otherwise. A related entity's filter means that
a matching related row exists.
"""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from podium.wire.endpoint import Filter
from podium.wire.parameters import Parameters
from podium.wire.scalars import Integer, Time
from podium.wire.states import StateType

Operator = Literal["and_", "or_"]


class AnyId(Filter):
    """The id is one of these."""

    any_: list[UUID] | None = None


class AnyIdOrNot(AnyId):
    """The id is one of these, or none of those."""

    not_any_: list[UUID] | None = None


class AnyIdOrNull(AnyId):
    """The id is one of these, or absent."""

    is_null_: bool | None = None


class AnyIdWithin(AnyId):
    """The id is one of these (related rows)."""

    operator: Operator = "and_"


class AnyIdOrNullWithin(AnyIdOrNull):
    """The id is one of these, or absent."""

    operator: Operator = "and_"


class AnyIdNotNullWithin(Filter):
    """The id is one of these; not absent, unless ``is_null_`` says otherwise."""

    any_: list[UUID] | None = None
    is_null_: bool | None = False
    operator: Operator = "and_"


class AnyText(Filter):
    """The text is one of these."""

    any_: list[str] | None = None


class AnyTextOrNot(AnyText):
    """The text is one of these, or none of those."""

    not_any_: list[str] | None = None


class AnyTextOrNullWithin(AnyText):
    """The text is one of these, or absent."""

    is_null_: bool | None = None
    operator: Operator = "and_"


class Like(Filter):
    """The text contains this, ignoring case."""

    like_: str | None = None


class AnyNameOrLike(AnyText):
    """The name is one of these, or contains this, ignoring case."""

    like_: str | None = None


class AnyNameOrStart(AnyText):
    """The name is one of these, or starts with one of those, ignoring case."""

    startswith_: list[str] | None = None


class Key(AnyNameOrLike):
    """The key is one of these, contains this, or is there at all."""

    exists_: bool | None = None


class Exists(Filter):
    """A related row exists, or does not."""

    exists_: bool | None = None


class IsNullWithin(Filter):
    """There is no related row, or there is."""

    is_null_: bool | None = None
    operator: Operator = "and_"


class Equals(Filter):
    """The flag is this."""

    eq_: bool | None = None


class AllText(Filter):
    """The list contains all of these."""

    all_: list[str] | None = None


class AllTags(AllText):
    """The tags contain all of these, or are none."""

    is_null_: bool | None = None
    operator: Operator = "and_"


class Tags(AllTags):
    """The tags contain all of these, any of those, or are none."""

    any_: list[str] | None = None


class Bounds(Filter):
    """The number lies between these, inclusive."""

    ge_: Integer | None = None
    le_: Integer | None = None


class BoundsOrNull(Bounds):
    """The number lies between these, inclusive, or is absent."""

    is_null_: bool | None = None


class Before(Filter):
    """The moment is this one or earlier."""

    before_: Time | None = None


class TimeBounds(Before):
    """The moment lies between these, inclusive."""

    after_: Time | None = None


class TimeBoundsOrNull(TimeBounds):
    """The moment lies between these, inclusive, or is absent."""

    is_null_: bool | None = None


class TextSearch(Filter):
    """Words to find: ``-word`` excludes, ``+word`` requires, quotes keep a phrase together."""

    query: Annotated[str, msgspec.Meta(max_length=200)]


class AnyStateType(Filter):
    """The type is one of these."""

    any_: list[StateType] | None = None


class AnyStateTypeOrNot(AnyStateType):
    """The type is one of these, or none of those."""

    not_any_: list[StateType] | None = None


class FlowRunState(Filter):
    """The current state of a flow run."""

    type: AnyStateTypeOrNot | None = None
    name: AnyTextOrNot | None = None
    operator: Operator = "and_"


class TaskRunState(Filter):
    """The current state of a task run."""

    type: AnyStateType | None = None
    name: AnyText | None = None
    operator: Operator = "and_"


class CreatedBy(Filter):
    """Who made the run."""

    id_: list[UUID] | None = None
    type_: list[str] | None = None
    is_null_: bool | None = None
    operator: Operator = "and_"


class FlowFilter(Filter):
    """Selects flows; ``deployment`` tells those with a deployment from those without."""

    id: AnyIdOrNot | None = None
    name: AnyNameOrLike | None = None
    tags: AllTags | None = None
    deployment: IsNullWithin | None = None
    operator: Operator = "and_"


class FlowRunFilter(Filter):
    """Selects flow runs. ``start_time`` is the expected one for a run that has not started."""

    id: AnyIdOrNot | None = None
    name: AnyNameOrLike | None = None
    tags: Tags | None = None
    deployment_id: AnyIdOrNullWithin | None = None
    work_queue_name: AnyTextOrNullWithin | None = None
    state: FlowRunState | None = None
    flow_version: AnyText | None = None
    start_time: TimeBoundsOrNull | None = None
    end_time: TimeBoundsOrNull | None = None
    expected_start_time: TimeBounds | None = None
    next_scheduled_start_time: TimeBounds | None = None
    parent_flow_run_id: AnyIdWithin | None = None
    parent_task_run_id: AnyIdOrNullWithin | None = None
    idempotency_key: AnyTextOrNot | None = None
    created_by: CreatedBy | None = None
    operator: Operator = "and_"


class TaskRunFilter(Filter):
    """Selects task runs. ``subflow_runs`` tells those that stand for a flow run."""

    id: AnyId | None = None
    name: AnyNameOrLike | None = None
    tags: AllTags | None = None
    state: TaskRunState | None = None
    start_time: TimeBoundsOrNull | None = None
    expected_start_time: TimeBounds | None = None
    end_time: TimeBoundsOrNull | None = None
    subflow_runs: Exists | None = None
    flow_run_id: AnyIdNotNullWithin | None = None
    operator: Operator = "and_"


class DeploymentFilter(Filter):
    """Selects deployments. ``concurrency_limit`` is taken for older clients and selects nothing."""

    id: AnyIdOrNot | None = None
    name: AnyNameOrLike | None = None
    flow_or_deployment_name: Like | None = None
    paused: Equals | None = None
    tags: Tags | None = None
    work_queue_name: AnyText | None = None
    concurrency_limit: BoundsOrNull | None = None
    operator: Operator = "and_"


class WorkPoolFilter(Filter):
    """Selects work pools."""

    id: AnyId | None = None
    name: AnyText | None = None
    type: AnyText | None = None
    operator: Operator = "and_"


class WorkQueueFilter(Filter):
    """Selects work queues."""

    id: AnyId | None = None
    name: AnyNameOrStart | None = None
    operator: Operator = "and_"


class RunScope(Parameters):
    """What to look at: all four must hold."""

    flows: FlowFilter | None = None
    flow_runs: FlowRunFilter | None = None
    task_runs: TaskRunFilter | None = None
    deployments: DeploymentFilter | None = None


class PoolScope(RunScope):
    """What to look at, also by work pool."""

    work_pools: WorkPoolFilter | None = None


class QueueScope(PoolScope):
    """What to look at, also by work pool and queue."""

    work_pool_queues: WorkQueueFilter | None = None
