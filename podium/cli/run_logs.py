"""The command that prints the log of a run, whole, its end, or as it grows."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.client.log_lines import LEVELS, line_text
from podium.client.nouns.noun import Noun, endpoint, nested

if TYPE_CHECKING:
    from podium.wire.logs import Log

USUAL_LINES = 20

FollowOption = Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run is over; exit as it ended.")]
HeadOption = Annotated[bool, typer.Option("--head", "-h", help=f"Only the first lines: {USUAL_LINES}, or -n.")]
TailOption = Annotated[bool, typer.Option("--tail", "-t", help=f"Only the last lines: {USUAL_LINES}, or -n.")]
NumberOption = Annotated[
    int | None,
    typer.Option(
        "--num-logs", "-n", "--limit", metavar="N", min=0, help="How many lines; the last ones without --head."
    ),
]
ReverseOption = Annotated[bool, typer.Option("--reverse", "-r", help="The newest line first.")]
LevelOption = Annotated[str | None, typer.Option("--level", metavar="LEVEL", help="Only this level and above.")]
SinceOption = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Only lines after this: 10m (ago).")]
GrepOption = Annotated[str | None, typer.Option("--grep", metavar="TEXT", help="Only lines with this text.")]


def add_logs(app: typer.Typer, noun: Noun, attribute: str, *examples: str) -> None:
    """Give the group of a kind of run its `logs`; ``attribute`` is what its lines call the run."""
    argument = typer.Argument(metavar=noun.metavar, help=f"A {noun.words}.", autocompletion=completing(noun.name))

    # -h is --head here, as those who come from elsewhere know it.
    @app.command("logs", epilog=example(*examples), context_settings={"help_option_names": ["--help"]})
    def logs(
        context: typer.Context,
        run: Annotated[str, argument],
        follow: FollowOption = False,
        head: HeadOption = False,
        tail: TailOption = False,
        number: NumberOption = None,
        reverse: ReverseOption = False,
        level: LevelOption = None,
        since: SinceOption = None,
        grep: GrepOption = None,
        output: FormatOption = "table",
    ) -> None:
        """Print what a run logged, oldest line first."""
        invocation = current(context)
        if follow and (head or reverse):
            raise Failure("--follow goes with neither --head nor --reverse.", ExitCode.USAGE)
        found = noun.find(invocation.client, run)
        wanted = {attribute: {"any_": [found.id]}, **conditions(level, since, grep)}
        count = number if number is not None else USUAL_LINES if head or tail else None
        if not follow:
            lines = stored(invocation, wanted, count, last=not head, reverse=reverse)
            write_lines(invocation, lines, output)
            return
        if attribute != "flow_run_id":
            raise Failure("Only flow runs can be followed; `podium flow-run logs -f` does it.", ExitCode.USAGE)
        from podium.cli.watching import follow_logs

        raise typer.Exit(follow_logs(invocation, found, wanted, count, output))


def conditions(level: str | None, since: str | None, grep: str | None) -> dict[str, Any]:
    """The part of a filter of lines for these options. Raises Failure."""
    from podium.client.nouns.values import moment

    wanted: dict[str, Any] = {}
    if level:
        numbers = {name: number for number, name in LEVELS.items()}
        if level.upper() not in numbers and not level.isdecimal():
            raise Failure(f"{level!r} is no level; these are {', '.join(numbers).lower()}.", ExitCode.USAGE)
        wanted["level"] = {"ge_": numbers.get(level.upper()) or int(level)}
    if since:
        try:
            wanted["timestamp"] = {"after_": moment(since)}
        except ValueError as error:
            raise Failure(f"--since: {error}", ExitCode.USAGE) from None
    if grep:
        wanted["text"] = {"query": '"' + grep.replace('"', " ") + '"'}
    return wanted


def stored(
    invocation: Invocation, wanted: dict[str, Any], count: int | None, *, last: bool, reverse: bool
) -> "Iterable[Log]":
    """The lines there are, the last or first of them if so many are wanted."""
    newest_first = reverse if count is None else last
    body = {**nested("logs", wanted), "sort": "TIMESTAMP_DESC" if newest_first else "TIMESTAMP_ASC"}
    lines: Iterable[Log] = invocation.client.pages(endpoint("logs.FILTER"), body, count)
    return lines if newest_first == reverse else list(lines)[::-1]


def write_lines(invocation: Invocation, lines: "Iterable[Log]", output: Format) -> None:
    """Write lines in a format."""
    if output != "table":
        invocation.output.data(lines if output == "jsonl" else list(lines), output, ("id",))
        return
    for line in lines:
        write_line(invocation, line)


def write_line(invocation: Invocation, line: "Log") -> None:
    """Write a line for people."""
    invocation.output.line(line_text(line))
