"""Every table has a rule of what is deleted from it, or a reason why none is needed; and the documents say so."""

from pathlib import Path

import pytest
from sqlalchemy import Table

from podium.db.partitions import FAMILIES
from podium.db.retention.rules import DOES_NOT_GROW, GOES_WITH, RULES, Rule, rules_for
from podium.db.tables import metadata
from podium.profiles.registry import SETTINGS

RULED = {rule.table for rule in RULES}
DOCUMENT = Path(__file__).parents[2] / "docs" / "settings.md"
PARTS = {"leftovers": "always"}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_a_table_has_a_rule_or_a_reason(table: Table) -> None:
    """Exactly one of: rows of its own that are deleted, a table it goes with, a reason why it does not grow."""
    places = [table.name in names for names in (RULED, GOES_WITH, DOES_NOT_GROW)]
    assert places.count(True) == 1, f"what is deleted from {table.name}? say so in podium/db/retention/rules.py"


def test_nothing_is_said_of_tables_that_are_not_there() -> None:
    """What is renamed or dropped leaves no rule behind."""
    assert RULED | set(GOES_WITH) | set(DOES_NOT_GROW) == set(metadata.tables)
    assert set(GOES_WITH.values()) <= RULED | set(DOES_NOT_GROW)


@pytest.mark.parametrize(("table", "other"), GOES_WITH.items())
def test_what_goes_with_another_refers_to_it(table: str, other: str) -> None:
    """By a foreign key that takes it along; the resources of an event share its partitions instead."""
    keys = [key for key in metadata.tables[table].foreign_keys if key.column.table.name == other]
    shared = any({table, other} <= {each.name for each, _ in family} for family in FAMILIES.values())
    assert shared or [key.ondelete for key in keys] == ["CASCADE"]


def test_the_words_switch_their_rules() -> None:
    """Leftovers are deleted where anything is; nothing is where nothing shall be."""
    assert {rule.word for rule in rules_for(frozenset({"events"}))} == {"events", "leftovers"}
    assert {rule.word for rule in rules_for(frozenset({"flow_runs", "orphans"}))} == {
        "flow_runs",
        "orphans",
        "leftovers",
    }
    assert rules_for(frozenset()) == []


def test_the_partitioned_tables_are_those_that_say_so() -> None:
    """What the declaration of a table says, and what is made for it."""
    partitioned = {each.name for each in metadata.sorted_tables if each.dialect_options["postgresql"]["partition_by"]}
    assert {table.name for family in FAMILIES.values() for table, _ in family} == partitioned


def test_the_document_says_what_is_kept_and_how_long() -> None:
    """Rule by rule, with the setting of its age."""
    lines = DOCUMENT.read_text().splitlines()
    wanted = [_line(rule) for rule in RULES]
    assert [line for line in lines if line in wanted] == wanted, "\n".join(wanted)


def _line(rule: Rule) -> str:
    age = f"`{SETTINGS[rule.age].name}`" if rule.age else ""
    return f"| `{rule.table}` | {rule.what} | {PARTS.get(rule.word, f'`{rule.word}`')} | {age} |"
