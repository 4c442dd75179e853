"""Compares the tables of a database with those the code declares."""

import re
import warnings
from collections.abc import Collection
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import SAWarning

from podium.db.tables import metadata

PARTITIONS = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"


def comparison_options(dialect: str, ignored: Collection[str] = ()) -> dict[str, Any]:
    """Alembic's options for comparing a database of this dialect, leaving out the ``ignored`` tables."""

    def belongs(thing: Any, name: str | None, kind: str, reflected: bool, compared_to: Any) -> bool:
        if kind == "table" and name in ignored:
            return False
        if reflected:
            return kind != "index" or not str(name).endswith("_trigrams")  # there where the extension is
        return bool(thing.info.get("dialect", dialect) == dialect)

    return {
        "target_metadata": metadata,
        "include_object": belongs,
        "compare_type": True,
        "compare_server_default": _default_differs,
        "render_as_batch": dialect == "sqlite",
        "render_item": _render_our_types,
    }


def differences(connection: Connection) -> list[str]:
    """What is not as declared, a line for each difference; empty when all is well."""
    dialect = connection.dialect.name
    partitions = connection.exec_driver_sql(PARTITIONS).scalars().all() if dialect == "postgresql" else ()
    options = comparison_options(dialect, partitions)
    with warnings.catch_warnings():
        # SQLite's expression indexes cannot be reflected, so they are neither found nor missed.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection", SAWarning)
        warnings.filterwarnings("ignore", "autogenerate skipping metadata-specified expression-based index")
        context = MigrationContext.configure(connection, opts=options)
        changes = compare_metadata(context, metadata)
    return [line for change in changes for line in _describe(change)]


def _describe(change: Any) -> list[str]:
    if isinstance(change, list):
        return [line for part in change for line in _describe(part)]
    verb, *subject = change
    if verb in ("add_table", "remove_table"):
        return [f"{_missing(verb)} table {subject[0].name}"]
    if verb in ("add_column", "remove_column"):
        return [f"{_missing(verb)} column {subject[1]}.{subject[2].name}"]
    if verb.startswith(("add_", "remove_")):
        kind = "foreign key" if verb.endswith("_fk") else verb.partition("_")[2]
        return [f"{_missing(verb)} {kind} {subject[0].name} of {subject[0].table.name}"]
    _, table, column, _, found, declared = subject
    what = verb.removeprefix("modify_")
    return [f"{what} of column {table}.{column} is {_shown(found)}, declared is {_shown(declared)}"]


def _shown(thing: Any) -> str:
    default = getattr(thing, "arg", thing)
    return str(getattr(default, "text", default))


def _missing(verb: str) -> str:
    return "missing" if verb.startswith("add_") else "unknown"


def _default_differs(
    context: Any, inspected: Any, declared: Any, found: str | None, declared_default: Any, rendered: str | None
) -> bool:
    return _plain(found) != _plain(rendered)


def _plain(default: str | None) -> str | None:
    return None if default is None else re.sub(r"::[\w ]+", "", default).strip("()'")


def _render_our_types(kind: str, thing: Any, context: Any) -> str | bool:
    if kind == "type" and type(thing).__module__ == "podium.db.types":
        return "Json(verbatim=True)" if getattr(thing, "verbatim", False) else f"{type(thing).__name__}()"
    return False
