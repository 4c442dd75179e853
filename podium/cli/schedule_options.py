"""The options of commands that schedule something."""

from typing import Annotated, Any

import typer

from podium.cli.diagnostics import ExitCode, Failure

CronOption = Annotated[str | None, typer.Option("--cron", metavar="EXPRESSION", help="A cron expression.")]
IntervalOption = Annotated[
    str | None, typer.Option("--interval", metavar="TIME", help="Every so often: seconds, or 15m, 1d.")
]
RRuleOption = Annotated[str | None, typer.Option("--rrule", metavar="RULE", help="An iCalendar recurrence rule.")]
AnchorOption = Annotated[
    str | None, typer.Option("--anchor-date", metavar="TIME", help="What the interval counts from.")
]
ZoneOption = Annotated[str | None, typer.Option("--timezone", metavar="ZONE", help="Such as Europe/Berlin.")]
DayOrOption = Annotated[
    bool, typer.Option("--day-or/--no-day-or", "--day_or/--no-day_or", help="Cron: either kind of day fits.")
]


def rule_of(
    cron: str | None, interval: str | None, rrule: str | None, anchor: str | None, timezone: str | None, day_or: bool
) -> dict[str, Any]:
    """The rule that these options say. Raises Failure."""
    from podium.client.nouns.schedules import rule

    if sum(each is not None for each in (cron, interval, rrule)) != 1:
        raise Failure("Give one of --cron, --interval and --rrule.", ExitCode.USAGE)
    if anchor and interval is None:
        raise Failure("--anchor-date is for --interval.", ExitCode.USAGE)
    try:
        return rule(cron=cron, interval=interval, rrule=rrule, anchor=anchor, timezone=timezone, day_or=day_or)
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from None
