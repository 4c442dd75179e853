"""Keep the last heartbeat of each flow run, and since when the server hears them."""

import sqlalchemy as sa
from alembic import op

from podium.db.types import Id, Timestamp

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "flow_run_heartbeats",
        sa.Column("workspace_id", Id(), nullable=False),
        sa.Column("flow_run_id", Id(), nullable=False),
        sa.Column("received", Timestamp(), nullable=False),
        sa.Column("occurred", Timestamp(), nullable=False),
        sa.Column("previous", Timestamp()),
        sa.PrimaryKeyConstraint("workspace_id", "flow_run_id", name="pk_flow_run_heartbeats"),
    )
    op.create_table(
        "api_presence",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("since", Timestamp(), nullable=False),
        sa.Column("seen", Timestamp(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_presence"),
    )


def downgrade() -> None:
    op.drop_table("api_presence")
    op.drop_table("flow_run_heartbeats")
