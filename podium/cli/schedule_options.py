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
    from podium.client.nouns.values import iso, moment, seconds

    if sum(each is not None for each in (cron, interval, rrule)) != 1:
        raise Failure("Give one of --cron, --interval and --rrule.", ExitCode.USAGE)
    zone = {"timezone": timezone} if timezone else {}
    try:
        if interval is not None:
            start = {"anchor_date": iso(moment(anchor))} if anchor else {}
            return {"interval": seconds(interval), **start, **zone}
    except ValueError as error:
        raise Failure(str(error), ExitCode.USAGE) from None
    if anchor:
        raise Failure("--anchor-date is for --interval.", ExitCode.USAGE)
    return {"cron": cron, "day_or": day_or, **zone} if cron is not None else {"rrule": rrule, **zone}
