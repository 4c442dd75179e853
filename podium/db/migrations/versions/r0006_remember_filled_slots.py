"""Remember until when the slots of a schedule are filled, and which schedules fire at the same slots."""

import sqlalchemy as sa
from alembic import op

from podium.db.types import Id, Timestamp

revision = "0006"
down_revision = "0005"

TABLE = "deployment_schedules"


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("timing", Id()))
    op.add_column(TABLE, sa.Column("filled_until", Timestamp()))
    op.add_column(TABLE, sa.Column("promised_until", Timestamp()))


def downgrade() -> None:
    op.drop_column(TABLE, "promised_until")
    op.drop_column(TABLE, "filled_until")
    op.drop_column(TABLE, "timing")
