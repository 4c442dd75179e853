"""Concurrency limits and the leases that use them.

Used slots of a limit (version 2) are one sum: the ``slots`` of its leases in ``concurrency_lease_slots``, expired ones
included until they are taken back, plus ``anonymous_slots``, which were taken without a lease (plain increments and
rate limits). Denied slots, and the anonymous ones of a limit with a decay, decay with time; both columns are what they
were at ``slots_updated``. The slots of a limit with a decay are all counted as anonymous.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
    true,
)

from podium.db.tables.metadata import (
    EMPTY_LIST,
    ZERO,
    created,
    key,
    metadata,
    part_of,
    partial,
    unchecked_workspace,
    updated,
    workspace,
)
from podium.db.types import Id, Json, Timestamp

concurrency_limits = Table(
    "concurrency_limits",
    metadata,
    key(),
    workspace(),
    Column("tag", Text, nullable=False),
    Column("concurrency_limit", Integer, nullable=False),
    # Ids of the task runs that hold a slot.
    Column("active_slots", Json(), nullable=False, server_default=EMPTY_LIST),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "tag"),
)

concurrency_limits_v2 = Table(
    "concurrency_limits_v2",
    metadata,
    key(),
    workspace(),
    Column("name", Text, nullable=False),
    Column("limit", Integer, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("slot_decay_per_second", Float, nullable=False, server_default=ZERO),
    Column("avg_slot_occupancy_seconds", Float, nullable=False, server_default=text("2.0")),
    Column("anonymous_slots", Integer, nullable=False, server_default=ZERO),
    Column("denied_slots", Integer, nullable=False, server_default=ZERO),
    Column("slots_updated", Timestamp(), nullable=False),
    created(),
    updated(),
    UniqueConstraint("workspace_id", "name"),
)

concurrency_leases = Table(
    "concurrency_leases",
    metadata,
    key(),
    unchecked_workspace(),
    Column("expiration", Timestamp(), nullable=False),
    # flow_run, task_run or deployment, and its id; null when the taker did not say.
    Column("holder_type", Text),
    Column("holder_id", Id()),
    created(),
    updated(),
    Index("ix_concurrency_leases_expiration", "expiration"),
    partial("ix_concurrency_leases_holder", "holder_id", "holder_type", where="holder_id IS NOT NULL"),
)

concurrency_lease_slots = Table(
    "concurrency_lease_slots",
    metadata,
    part_of("lease_id", "concurrency_leases.id"),
    part_of("concurrency_limit_id", "concurrency_limits_v2.id"),
    unchecked_workspace(),
    Column("slots", Integer, nullable=False),
    PrimaryKeyConstraint("lease_id", "concurrency_limit_id"),
    Index("ix_concurrency_lease_slots_limit", "concurrency_limit_id"),
)
