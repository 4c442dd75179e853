"""What artifacts hold, as a terminal can show it: tables, progress, links and the addresses of images."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from podium.client.nouns.cells import compact
from podium.tui.timescale import EIGHTHS, FULL

LINK: Final = re.compile(r"!?\[([^\]]*)\]\(\s*<?([^\s)>]+)[^)]*\)|<(\w+://[^>\s]+)>")
"""A link or image of Markdown, or an address in brackets."""


class Grid(NamedTuple):
    """A table: its heads, none where it has none, and the text of its cells."""

    heads: tuple[str, ...]
    rows: list[tuple[str, ...]]


def grid_of(data: Any, most: int) -> Grid | None:
    """The first ``most`` rows of a table: JSON of records, of columns or of lists; None for anything else."""
    value = _decoded(data)
    if isinstance(value, Mapping) and all(isinstance(each, list) for each in value.values()):
        length = min(most, max((len(each) for each in value.values()), default=0))
        cells = [[_text(each[at]) if at < len(each) else "" for each in value.values()] for at in range(length)]
        return Grid(tuple(map(str, value)), [tuple(row) for row in cells])
    if not isinstance(value, list):
        return None
    rows = value[:most]
    if rows and all(isinstance(row, Mapping) for row in rows):
        heads = tuple(dict.fromkeys(str(name) for row in rows for name in row))
        return Grid(heads, [tuple(_text(row.get(head)) for head in heads) for row in rows])
    if all(isinstance(row, list) for row in rows):
        width = max((len(row) for row in rows), default=0)
        return Grid((), [tuple(_text(row[at]) if at < len(row) else "" for at in range(width)) for row in rows])
    return None


def rows_of(data: Any) -> int:
    """How many rows a table has in all."""
    value = _decoded(data)
    if isinstance(value, Mapping):
        return max((len(each) for each in value.values() if isinstance(each, Sequence)), default=0)
    return len(value) if isinstance(value, list) else 0


def progress_bar(data: Any, width: int) -> str:
    """A bar for a progress in percent, with the number: ``████▌░░░ 45 %``. Raises ValueError for what is no number."""
    try:
        percent = max(0.0, min(100.0, float(data)))
    except TypeError:
        raise ValueError("not a number") from None
    whole, rest = divmod(round(percent / 100 * width * 8), 8)
    bar = FULL * whole + (EIGHTHS[rest] if rest else "")
    return f"{bar}{'░' * (width - len(bar))} {percent:g} %"


def links_in(text: str) -> list[tuple[str, str]]:
    """The links and images of a Markdown text, each address once: what is written, and where it leads."""
    found: dict[str, str] = {}
    for match in LINK.finditer(text):
        words, address, bare = match.groups()
        found.setdefault(address or bare, words or "")
    return [(words, address) for address, words in found.items()]


def is_link(text: str) -> bool:
    """Whether a Markdown text is one link and nothing else."""
    return LINK.fullmatch(text.strip()) is not None


def text_of(data: Any) -> str:
    """Any data as a text over several lines."""
    import msgspec

    value = _decoded(data)
    if isinstance(value, str):
        return value
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def _decoded(data: Any) -> Any:
    """The value of a JSON text that holds more than one value, else what it is."""
    import msgspec

    if isinstance(data, str) and data.lstrip()[:1] in ("[", "{"):
        try:
            return msgspec.json.decode(data)
        except msgspec.DecodeError:
            return data
    return data


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return compact(value) if isinstance(value, list | dict) else _plain(value)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)
