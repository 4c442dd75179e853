"""What an artifact holds: tables, Markdown with its links, progress as a bar, images as their addresses."""

from collections.abc import Iterator
from typing import Any, Final

from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from podium.client.nouns.noun import Column
from podium.client.nouns.printing import on_one_line, printable
from podium.tui.artifact_data import grid_of, is_link, links_in, progress_bar, rows_of, text_of
from podium.tui.widgets.table import Line, Table
from podium.tui.widgets.text import LineOfText, Part, Text

LONGEST: Final = 20_000
"""Characters of Markdown that are shown: each paragraph is a widget."""
MOST_ROWS: Final = 2_000
MOST_LINES: Final = 5_000
BAR: Final = 60
WHOLE: Final = "y shows all of it"


class ArtifactBody(Vertical):
    """Shows one artifact at a time."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._shown: tuple[Any, ...] | None = None

    def show(self, artifact: Any) -> None:
        """Shows an artifact, or that there is none; what is shown already stays as it is."""
        shown = (artifact.id, artifact.updated, artifact.data) if artifact is not None else ()
        if shown == self._shown:
            return
        same = artifact is not None and (self._shown or ())[:1] == shown[:1]
        self._shown = shown
        held = self.query_one(Text) if same and artifact.type == "progress" and self.query(Text) else None
        if held is not None:
            held.show(list(_lines(artifact)))
            return
        self.remove_children()
        self.mount(*(_widgets(artifact) if artifact is not None else [_note("There are no artifacts.")]))


def _widgets(artifact: Any) -> Iterator[Widget]:
    data = artifact.data
    if artifact.type == "table" and (grid := grid_of(data, MOST_ROWS)) is not None:
        numbered = (str(number) for number, _ in enumerate(grid.rows[0] if grid.rows else (), 1))
        heads = [on_one_line(head) for head in grid.heads or numbered]
        total = rows_of(data)
        if total > len(grid.rows):
            yield _note(f"{len(grid.rows):,} of {total:,} rows; {WHOLE}")
        table = Table([Column(head, cut=True) for head in heads])
        table.show(0, [Line(str(number), row) for number, row in enumerate(grid.rows)], len(grid.rows))
        yield table
    elif artifact.type == "markdown" and isinstance(data, str) and not is_link(data):
        from textual.widgets import Markdown  # it takes a while, and few artifacts need it

        if len(data) > LONGEST:
            yield _note(f"The first {LONGEST:,} of {len(data):,} characters; {WHOLE}")
        text = printable(data[:LONGEST].replace("\t", "    ").replace("\r", ""))
        links = [f"{words}  {address}" if words else address for words, address in links_in(data[:LONGEST])]
        more = [_note("\n".join(["Links", *map(on_one_line, links)]))] if links else []
        yield VerticalScroll(Markdown(text, open_links=False), *more)
    else:
        yield _text(list(_lines(artifact)))


def _lines(artifact: Any) -> Iterator[LineOfText]:
    data = artifact.data
    if artifact.type == "progress":
        try:
            yield (Part(progress_bar(data, BAR), "good"),)
        except ValueError:
            yield (Part(str(data)),)
    elif artifact.type == "image":
        yield (Part("Image at ", "label"), Part(str(data), "busy"))
    elif artifact.type == "markdown" and isinstance(data, str):
        for words, address in links_in(data):
            yield (Part(f"{words}  " if words else "", "label"), Part(address, "busy"))
    else:
        lines = text_of(data).split("\n")
        yield from ((Part(line),) for line in lines[:MOST_LINES])
        if len(lines) > MOST_LINES:
            yield (Part(f"{len(lines) - MOST_LINES:,} more lines", "label"),)


def _text(lines: list[LineOfText]) -> Text:
    text = Text()
    text.show(lines)
    return text


def _note(text: str) -> Static:
    return Static(text, classes="note", markup=False)
