"""Runs the revisions through Alembic. Imported only when there is something to do: Alembic is slow to load."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from podium.db.migrations import REVISIONS

Progress = Callable[[str, int, int], None]
"""Called with the revision just left or reached, the number of steps done and of all steps."""


def configuration(output: io.StringIO | None = None, **attributes: Any) -> Config:
    """Alembic's configuration; ``attributes`` are what ``env.py`` reads."""
    config = Config(output_buffer=output or io.StringIO(), attributes=attributes)
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def run(connection: Connection, start: str | None, goal: str | None, progress: Progress | None = None) -> None:
    """Takes the database from one revision to another (None: without any tables)."""
    total = abs(position(goal) - position(start))
    done = 0

    def applied(*, step: Any, **ignored: Any) -> None:
        nonlocal done
        done += 1
        if progress:
            progress(step.up_revision_id, done, total)

    config = configuration(connection=connection, on_version_apply=(applied,))
    if position(goal) >= position(start):
        command.upgrade(config, goal or "base")
    else:
        command.downgrade(config, goal or "base")


def render_sql(dialect: str, start: str | None, goal: str | None) -> str:
    """The statements that ``run`` would execute."""
    output = io.StringIO()
    config = configuration(output, dialect=dialect)
    step = f"{start or 'base'}:{goal or 'base'}"
    if position(goal) > position(start):
        command.upgrade(config, step, sql=True)
    elif position(goal) < position(start):
        command.downgrade(config, step, sql=True)
    return output.getvalue()


def titles() -> dict[str, str]:
    """What each revision does, oldest first."""
    scripts = ScriptDirectory.from_config(configuration())
    return {script.revision: script.doc for script in reversed(list(scripts.walk_revisions()))}


def position(revision: str | None) -> int:
    """How many revisions led to this one; 0 for none."""
    return 0 if revision is None else REVISIONS.index(revision) + 1
