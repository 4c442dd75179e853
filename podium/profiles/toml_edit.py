"""Changing a TOML file the way a careful person would: one line at a time, with every other byte kept.

Each edit is made on the lines and checked by parsing the result; a file written in an unusual form (inline tables,
dotted keys, text over several lines) is edited by tomlkit instead, which keeps comments but may move a blank line.
"""

import copy
import re
import tomllib
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from podium.profiles.errors import InvalidFile
from podium.profiles.toml_file import Keys, header_of, key_of

Document = MutableMapping[str, Any]
Lines = list[str]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")
_ASSIGNMENT: Final = re.compile(
    r"""(?P<key>\s*[^=]+?\s*=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s"'#\[{]+)(?P<rest>\s*(?:\#.*)?)"""
)
_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def edit(text: str, on_lines: Callable[[Lines], None], on_document: Callable[[Document], None], where: str) -> str:
    """The text after an edit that is given twice: on lines, and on the parsed document, which is what must come out.

    Raises InvalidFile when neither way leads there.
    """
    wanted = copy.deepcopy(tomllib.loads(text))
    on_document(wanted)
    lines = text.splitlines()
    on_lines(lines)
    if _reads_as(edited := "".join(f"{line}\n" for line in lines), wanted):
        return edited
    # Only for files in an unusual form: the import takes as long as a whole command.
    import tomlkit

    document = tomlkit.parse(text)
    on_document(document)
    if _reads_as(edited := tomlkit.dumps(document), wanted):
        return edited
    raise InvalidFile(where, "is written in a form that cannot be edited here; edit it by hand.")


def _reads_as(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False


def quoted(value: str) -> str:
    """The value as a TOML string."""
    written = (_ESCAPES.get(char, char if char.isprintable() else _escaped(char)) for char in value)
    return f'"{"".join(written)}"'


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"


def dotted(keys: Keys) -> str:
    """The keys as they stand in a header."""
    return ".".join(key if _BARE.fullmatch(key) else quoted(key) for key in keys)


def _span(lines: Lines, table: Keys) -> tuple[int, int] | None:
    """First and last line (exclusive) of a table with its header; the empty table is what stands before all headers.

    Blank lines and comments above the next header belong to that.
    """
    start = -1 if not table else next((i for i, line in enumerate(lines) if header_of(line) == table), None)
    if start is None:
        return None
    end = next((i for i in range(start + 1, len(lines)) if header_of(lines[i]) is not None), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    return start, end


def set_value(lines: Lines, table: Keys, key: str, value: str) -> None:
    """Give a key a text value: in its place if it is there, else at the end of its table, which is made if missing."""
    span = _span(lines, table)
    if span is None:
        lines += [*([""] if lines and lines[-1].strip() else []), f"[{dotted(table)}]"]
        span = (len(lines) - 1, len(lines))
    start, end = span
    for index in range(start + 1, end):
        if key_of(lines[index]) == (key,):
            if found := _ASSIGNMENT.fullmatch(lines[index]):
                lines[index] = f"{found['key']}{quoted(value)}{found['rest']}"
            return
    if start == -1 and end == 0:
        end = _after_title(lines)
        if end < len(lines) and lines[end].strip():
            lines.insert(end, "")
    lines.insert(end, f"{dotted((key,))} = {quoted(value)}")


def _after_title(lines: Lines) -> int:
    """Where the first key goes: below a comment that a blank line sets apart from what follows."""
    title = next((i for i, line in enumerate(lines) if not line.lstrip().startswith("#")), len(lines))
    return title + 1 if title and title < len(lines) and not lines[title].strip() else 0


def add_table(lines: Lines, table: Keys) -> None:
    """Add an empty table at the end."""
    if _span(lines, table) is None:
        lines += [*([""] if lines and lines[-1].strip() else []), f"[{dotted(table)}]"]


def remove_key(lines: Lines, table: Keys, key: str) -> None:
    """Remove a key."""
    span = _span(lines, table)
    for index in range(span[0] + 1, span[1]) if span else ():
        if key_of(lines[index]) == (key,):
            del lines[index]
            if index == 0:
                _trim_start(lines)
            return


def _trim_start(lines: Lines) -> None:
    while lines and not lines[0].strip():
        del lines[0]


def remove_table(lines: Lines, table: Keys) -> None:
    """Remove a table and its subtables, with the comment directly above each."""
    while (header := next((h for line in lines if (h := header_of(line)) and h[: len(table)] == table), None)) and (
        span := _span(lines, header)
    ):
        start, end = span
        while start and lines[start - 1].lstrip().startswith("#") and start - 1 > 0:
            start -= 1
        while end < len(lines) and not lines[end].strip():
            end += 1
        del lines[start:end]
        if start == 0:
            _trim_start(lines)
    while lines and not lines[-1].strip():
        lines.pop()


def rename_table(lines: Lines, table: Keys, name: str) -> None:
    """Give the last part of a table's name a new value, in its headers and those of its subtables."""
    for index, line in enumerate(lines):
        header = header_of(line)
        if header and header[: len(table)] == table:
            end = line.index("]") if '"' not in line else line.rindex("]")
            lines[index] = f"[{dotted((*table[:-1], name, *header[len(table) :]))}{line[end:]}"
