"""`podium schedule`: commands that run on a schedule."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format
from podium.cli.schedule_options import AnchorOption, CronOption, IntervalOption, RRuleOption, ZoneOption, rule_of
from podium.cli.shell_options import (
    ArgvArgument,
    CwdOption,
    EnvOption,
    GraceOption,
    RetriesOption,
    RetryDelayOption,
    TimeoutOption,
    command_given,
)
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.commands import SCHEDULE

if TYPE_CHECKING:
    from podium.client.shell.command import Command
    from podium.client.shell.pools import Plan

app = group("Have commands run on a schedule, by podium worker.")

add_verbs(
    app,
    SCHEDULE,
    {
        "ls": "podium schedule ls --pool shell",
        "inspect": "podium schedule inspect nightly-backup",
        "pause": "podium schedule pause nightly-backup",
        "resume": "podium schedule resume --all",
        "delete": "podium schedule delete nightly-backup",
    },
)


NameOption = Annotated[str | None, typer.Option("--name", "-n", metavar="NAME", help="Its name. Needed.")]
NoScheduleOption = Annotated[
    bool, typer.Option("--no-schedule", help="Run it only when asked to: podium deployment run NAME.")
]
_completing_pools = completing("work-pool")
PoolOption = Annotated[
    str, typer.Option("--pool", metavar="POOL", help="Its pool, made on demand.", autocompletion=_completing_pools)
]
QueueOption = Annotated[str | None, typer.Option("--queue", "-q", metavar="QUEUE", help="Its work queue.")]
FlowOption = Annotated[str | None, typer.Option("--flow", metavar="FLOW", help="Its flow; else one of its name.")]
TagOption = Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag for its runs.")]
ParamOption = Annotated[list[str] | None, typer.Option("--param", metavar="KEY=VALUE", help="A parameter of its runs.")]
LimitOption = Annotated[
    int | None, typer.Option("--concurrency-limit", metavar="N", help="How many runs at a time.", min=1)
]
SkipOption = Annotated[
    bool, typer.Option("--skip-if-running", help="Cancel a run that finds the limit reached (1 if none is given).")
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]
PausedOption = Annotated[bool, typer.Option("--paused", help="Paused from the start.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Change the one of this name, if there is one.")]


@app.command(
    "create",
    epilog=example(
        "podium schedule create --name nightly-backup --cron '0 3 * * *' -- ./backup.sh /srv",
        "podium schedule create --name poll --interval 5m --timeout 1m -- curl -fsS https://example.org",
    ),
    # The first word is that of the command, and all that follows is its own.
    context_settings={"allow_interspersed_args": False},
)
def create(
    context: typer.Context,
    argv: ArgvArgument = None,
    name: NameOption = None,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    anchor: AnchorOption = None,
    timezone: ZoneOption = None,
    by_hand: NoScheduleOption = False,
    pool: PoolOption = "shell",
    queue: QueueOption = None,
    flow: FlowOption = None,
    tag: TagOption = None,
    timeout: TimeoutOption = None,
    retries: RetriesOption = 0,
    retry_delay: RetryDelayOption = "0",
    grace: GraceOption = None,
    cwd: CwdOption = None,
    env: EnvOption = None,
    param: ParamOption = None,
    limit: LimitOption = None,
    skip: SkipOption = False,
    description: DescriptionOption = None,
    paused: PausedOption = False,
    overwrite: OverwriteOption = False,
    output: FormatOption = "table",
) -> None:
    """Have a command run on a schedule: one of --cron, --interval and --rrule.

    It becomes a deployment of a work pool of type `podium`, and is run by `podium worker start --pool POOL`, where the
    command, its folder and its environment have to be. What is written here is stored on the server: no secrets.
    """
    if not name:
        raise Failure("Give it a name: --name NAME.", ExitCode.USAGE)
    command = command_given(argv, timeout, retries, retry_delay, grace, cwd, env)
    rule = _rule(cron, interval, rrule, anchor, timezone, by_hand)
    # Loaded on use: help needs none of it.
    from podium.cli.bodies import assigned
    from podium.client.shell.pools import Plan

    plan = Plan(
        name=name,
        pool=pool,
        flow=flow or name,
        queue=queue,
        tags=tag or (),
        parameters=assigned(param, "--param"),
        limit=1 if skip and limit is None else limit,
        when_full="CANCEL_NEW" if skip else "ENQUEUE",
        description=description,
        paused=paused,
    )
    _create(current(context), command, rule, plan, overwrite, output)


def _rule(
    cron: str | None, interval: str | None, rrule: str | None, anchor: str | None, timezone: str | None, by_hand: bool
) -> dict[str, Any] | None:
    if not by_hand:
        return rule_of(cron, interval, rrule, anchor, timezone, True)
    if cron is not None or interval is not None or rrule is not None:
        raise Failure("--no-schedule goes with none of --cron, --interval and --rrule.", ExitCode.USAGE)
    return None


def _create(
    invocation: Invocation, command: "Command", rule: Any, plan: "Plan", overwrite: bool, output: Format
) -> None:
    from podium.cli.showing import show_list
    from podium.client.shell.pools import WrongPool, find_deployment, make_deployment

    if not overwrite and find_deployment(invocation.client, plan.flow, plan.name):
        raise Failure(f"There is a schedule {plan.name!r} already; --overwrite changes it.", ExitCode.CONFLICT)
    try:
        made = make_deployment(invocation.client, command, rule, plan)
    except WrongPool as error:
        raise Failure(f"The {error}.", ExitCode.CONFLICT) from None
    show_list(invocation, SCHEDULE, [made], output)
    if output == "table":
        invocation.diagnostics.note(f"`podium worker start --pool {plan.pool}` runs it.")
