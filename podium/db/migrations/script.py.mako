"""${message}."""

import sqlalchemy as sa
from alembic import op

from podium.db.migrations.operations import create_partial_index, dialect
from podium.db.types import Id, Json, Timestamp

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
