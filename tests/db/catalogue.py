"""All that a database says about its tables, in a form that two databases can be compared by."""

import re

from sqlalchemy import Connection

POSTGRESQL = """
WITH parts AS (SELECT oid, relname FROM pg_class WHERE relispartition)
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', ordinal_position, udt_name, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT IN (SELECT relname FROM parts)
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND indexname NOT IN (SELECT relname FROM parts)
UNION ALL
SELECT 'constraint', conname, conrelid::regclass || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid NOT IN (SELECT oid FROM parts)
UNION ALL
SELECT 'partitioned', relname, pg_get_partkeydef(oid)
FROM pg_class WHERE relkind = 'p' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal AND tgrelid NOT IN (SELECT oid FROM parts)
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid) FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prolang = (SELECT oid FROM pg_language WHERE lanname = 'plpgsql')
"""


def catalogue(connection: Connection) -> dict[tuple[str, str], object]:
    """(kind, name) -> definition of everything but Alembic's own table, partitions and what needs an extension."""
    if connection.dialect.name == "postgresql":
        rows = connection.exec_driver_sql(POSTGRESQL)
        found = {(kind, name): definition for kind, name, definition in rows}
    else:
        rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        found = {(kind, name): _clauses(sql) for kind, name, sql in rows}
    ignored = ("alembic_version", "_trigrams")
    return {key: value for key, value in found.items() if not any(word in f"{key} {value}" for word in ignored)}


PARTS = """
SELECT c.relname AS part, p.relname AS whole FROM pg_inherits i
JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
"""


def seen_whole(connection: Connection, plan: str) -> str:
    """A plan of PostgreSQL with partitions, and their indexes, under the names of what they are parts of."""
    wholes: dict[str, str] = {row.part: row.whole for row in connection.exec_driver_sql(PARTS)}
    return re.sub(r"\w+", lambda word: wholes.get(word[0], word[0]), plan)


def _clauses(sql: str) -> list[str]:
    """The clauses of a CREATE statement; their order is that of the columns, and means nothing for constraints."""
    clauses = [" ".join(clause.split()) for clause in _split(sql.strip().removesuffix(")"))]
    columns = [clause for clause in clauses if not clause.startswith("CONSTRAINT")]
    return columns + sorted(clause for clause in clauses if clause.startswith("CONSTRAINT"))


def _split(sql: str) -> list[str]:
    """The parts between the commas that stand in no parentheses but the first; ADD COLUMN puts its own after all."""
    parts, depth = [""], 0
    for character in sql:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 1:
            parts.append("")
        else:
            parts[-1] += character
    return parts
