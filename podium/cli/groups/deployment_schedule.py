"""`podium deployment schedule`: the schedules of a deployment."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from podium.cli.context import DryRunOption, FormatOption, Invocation, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.groups.deployment import DeploymentArgument
from podium.cli.output import Format
from podium.cli.schedule_options import (
    AnchorOption,
    CronOption,
    DayOrOption,
    IntervalOption,
    RRuleOption,
    ZoneOption,
    rule_of,
)
from podium.cli.tree import group
from podium.client.nouns.deployments import DEPLOYMENT
from podium.client.nouns.noun import endpoint
from podium.client.nouns.schedules import SCHEDULE_COLUMNS, described

app = group("See, add, pause and delete schedules.")

Schedules = Annotated[list[str] | None, typer.Argument(metavar="ID|SLUG", help="Schedules of it.")]
AllOption = Annotated[bool, typer.Option("--all", help="All schedules of it.")]
AcceptOption = Annotated[bool, typer.Option("--yes", "-y", "--accept-yes", help="Do not ask.")]


@app.command("ls", epilog=example("podium deployment schedule ls etl/nightly"))
def ls(context: typer.Context, deployment: DeploymentArgument, output: FormatOption = "table") -> None:
    """List the schedules of a deployment."""
    invocation = current(context)
    found = DEPLOYMENT.find(invocation.client, deployment)
    show(invocation, found.schedules, output)


def show(invocation: Invocation, schedules: Sequence[Any], output: Format) -> None:
    """Write schedules."""
    from podium.cli.showing import show_csv, show_table

    if output == "table":
        show_table(invocation, SCHEDULE_COLUMNS, schedules, {})
    elif output == "csv":
        show_csv(invocation, SCHEDULE_COLUMNS, schedules, {})
    else:
        invocation.output.data(list(schedules), output, ("id",))


@app.command(
    "create",
    epilog=example(
        "podium deployment schedule create etl/nightly --cron '0 3 * * *' --timezone Europe/Berlin",
        "podium deployment schedule create etl/nightly --interval 15m --replace",
    ),
)
def create(
    context: typer.Context,
    deployment: DeploymentArgument,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    anchor: AnchorOption = None,
    timezone: ZoneOption = None,
    day_or: DayOrOption = True,
    active: Annotated[bool, typer.Option("--active/--no-active", help="Whether it makes runs.")] = True,
    param: Annotated[
        list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter of its runs.")
    ] = None,
    slug: Annotated[str | None, typer.Option("--slug", metavar="SLUG", help="A name to know it by.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="In place of all schedules there are.")] = False,
    yes: AcceptOption = False,
    output: FormatOption = "table",
) -> None:
    """Add a schedule to a deployment: one of --cron, --interval and --rrule."""
    invocation = current(context)
    from podium.cli.bodies import assigned

    body = {"schedule": rule_of(cron, interval, rrule, anchor, timezone, day_or), "active": active, "slug": slug}
    found = DEPLOYMENT.find(invocation.client, deployment)
    if replace and found.schedules:
        invocation.confirm(f"Replace {len(found.schedules)} schedules of {deployment!r}?", yes=yes)
    body["parameters"] = assigned(param, "--param")
    made = invocation.client.call(endpoint("schedules.CREATE"), [body], id=found.id)
    if replace:
        _delete(invocation, found, found.schedules)
    show(invocation, made, output)


@app.command("pause", epilog=example("podium deployment schedule pause etl/nightly --all"))
def pause(
    context: typer.Context,
    deployment: DeploymentArgument,
    schedules: Schedules = None,
    every: AllOption = False,
    output: FormatOption = "table",
) -> None:
    """Pause schedules: they make no runs."""
    _activate(current(context), deployment, schedules, every, False, output)


@app.command("resume", epilog=example("podium deployment schedule resume etl/nightly --all"))
def resume(
    context: typer.Context,
    deployment: DeploymentArgument,
    schedules: Schedules = None,
    every: AllOption = False,
    output: FormatOption = "table",
) -> None:
    """Resume paused schedules."""
    _activate(current(context), deployment, schedules, every, True, output)


@app.command("delete", epilog=example("podium deployment schedule delete etl/nightly nightly-at-three"))
def delete(
    context: typer.Context,
    deployment: DeploymentArgument,
    schedules: Schedules = None,
    every: AllOption = False,
    dry_run: DryRunOption = False,
    yes: AcceptOption = False,
    output: FormatOption = "table",
) -> None:
    """Delete schedules of a deployment."""
    invocation = current(context)
    found = DEPLOYMENT.find(invocation.client, deployment)
    chosen = _chosen(found, deployment, schedules, every)
    _delete_asked(invocation, found, chosen, deployment, dry_run, yes or not (every or invocation.interactive), output)


@app.command("clear", epilog=example("podium deployment schedule clear etl/nightly --yes"))
def clear(
    context: typer.Context,
    deployment: DeploymentArgument,
    dry_run: DryRunOption = False,
    yes: AcceptOption = False,
    output: FormatOption = "table",
) -> None:
    """Delete all schedules of a deployment."""
    invocation = current(context)
    found = DEPLOYMENT.find(invocation.client, deployment)
    _delete_asked(invocation, found, list(found.schedules), deployment, dry_run, yes, output)


def _delete_asked(
    invocation: Invocation, found: Any, chosen: list[Any], told: str, dry_run: bool, yes: bool, output: Format
) -> None:
    if dry_run:
        show(invocation, chosen, output)
        invocation.diagnostics.note(f"Would delete {len(chosen)} schedules.")
        return
    if chosen:
        invocation.confirm(f"Delete {len(chosen)} schedules of {told!r}?", yes=yes)
    _delete(invocation, found, chosen)
    _told(invocation, "Deleted", "delete", chosen, output)


def _delete(invocation: Invocation, found: Any, schedules: Sequence[Any]) -> None:
    for schedule in schedules:
        invocation.client.call(endpoint("schedules.DELETE"), id=found.id, schedule_id=schedule.id)


def _activate(
    invocation: Invocation, deployment: str, schedules: list[str] | None, every: bool, active: bool, output: Format
) -> None:
    found = DEPLOYMENT.find(invocation.client, deployment)
    chosen = _chosen(found, deployment, schedules, every)
    for schedule in chosen:
        invocation.client.call(endpoint("schedules.UPDATE"), {"active": active}, id=found.id, schedule_id=schedule.id)
    _told(invocation, "Resumed" if active else "Paused", "resume" if active else "pause", chosen, output)


def _chosen(found: Any, told: str, wanted: list[str] | None, every: bool) -> list[Any]:
    if every and not wanted:
        return list(found.schedules)
    if not wanted or every:
        raise Failure("Give the ids or slugs of schedules, or --all.", ExitCode.USAGE)
    known = {key: each for each in found.schedules for key in (each.id, each.slug) if key}
    if missing := [each for each in wanted if each not in known]:
        hint = f"`podium deployment schedule ls {told}` lists them."
        raise Failure(f"{told!r} has no schedule {missing[0]!r}; {hint}", ExitCode.NOT_FOUND)
    return [known[each] for each in wanted]


def _told(invocation: Invocation, past: str, action: str, schedules: list[Any], output: Format) -> None:
    for schedule in schedules:
        invocation.diagnostics.note(f"{past} schedule {described(schedule)!r}.")
    if output != "table":
        records = [{"id": each.id, "name": each.slug, "action": action, "result": "done"} for each in schedules]
        invocation.output.data(records, output, ("id",))
