"""Drafts the next revision: ``python -m podium.db.migrations "Add the colour of flows"``.

Compares the declared tables with those the history ends in, on SQLite in memory. The draft is to be finished by hand
(PostgreSQL's own indexes, data to carry over), and its id added to ``REVISIONS``. Where SQLite has to rebuild a table,
its indexes on expressions are lost and must be created again.
"""

import sys

from alembic import command
from alembic.util import CommandError

from podium.db import commands
from podium.db.connections import open_engine
from podium.db.migrations import REVISIONS
from podium.db.migrations.comparison import comparison_options
from podium.db.migrations.running import configuration
from podium.db.options import Options


def draft(title: str) -> str:
    """Writes the file of the next revision and returns its path. Raises CommandError."""
    engine = open_engine("sqlite://", Options())
    with engine.connect() as connection:
        commands.upgrade_connection(connection)
        config = configuration(connection=connection, comparison=comparison_options("sqlite"))
        config.set_main_option("file_template", "r%%(rev)s_%%(slug)s")
        script = command.revision(config, title, autogenerate=True, rev_id=f"{len(REVISIONS) + 1:04}")
    engine.dispose()
    return str(getattr(script, "path", script))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit('Usage: python -m podium.db.migrations "What it does"')
    try:
        sys.stdout.write(f"{draft(sys.argv[1])}\n")
    except CommandError as error:
        sys.exit(str(error))
