"""`podium deployment`: deployments, their runs and their schedules."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.deploying import (
    CollisionOption,
    DescriptionOption,
    EnforceOption,
    EntrypointOption,
    JobVariableOption,
    LimitOption,
    ParamOption,
    ParamsOption,
    PathOption,
    PoolOption,
    PullStepsOption,
    QueueOption,
    SchemaOption,
    VersionOption,
    job_variables_of,
    limit_of,
    parameters_of,
    runs_of,
    wanted,
)
from podium.cli.diagnostics import ExitCode, Failure
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
from podium.cli.verbs import add_verbs
from podium.client.nouns.deployments import DEPLOYMENT, run_body
from podium.client.nouns.noun import endpoint

app = group("See, run, pause and schedule deployments.")

DeploymentArgument = Annotated[
    str,
    typer.Argument(metavar=DEPLOYMENT.metavar, help="A deployment.", autocompletion=completing("deployment")),
]
OptionalDeployment = Annotated[
    str | None,
    typer.Argument(metavar=DEPLOYMENT.metavar, help="A deployment.", autocompletion=completing("deployment")),
]
add_verbs(
    app,
    DEPLOYMENT,
    {
        "ls": "podium deployment ls --pool default --paused",
        "inspect": "podium deployment inspect etl/nightly",
        "pause": "podium deployment pause --pool default --dry-run",
        "resume": "podium deployment resume etl/nightly",
        "delete": "podium deployment delete etl/nightly",
    },
)


@app.command(
    "create",
    epilog=example(
        "podium deployment create etl/nightly --pool fast --entrypoint etl.py:etl --path /srv/etl --cron '0 3 * * *'",
        "podium deployment create -f deployments.yaml --overwrite",
    ),
)
def create(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="FLOW/NAME", help="Its flow, made if there is none, and its name.")
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="A file of JSON or YAML; - reads stdin.")
    ] = None,
    pool: PoolOption = None,
    queue: QueueOption = None,
    entrypoint: EntrypointOption = None,
    path: PathOption = None,
    pull_steps: PullStepsOption = None,
    param: ParamOption = None,
    params: ParamsOption = None,
    schema: SchemaOption = None,
    enforce: EnforceOption = None,
    job_variable: JobVariableOption = None,
    cron: CronOption = None,
    interval: IntervalOption = None,
    rrule: RRuleOption = None,
    anchor: AnchorOption = None,
    timezone: ZoneOption = None,
    day_or: DayOrOption = True,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag for its runs.")] = None,
    limit: LimitOption = None,
    collision: CollisionOption = None,
    description: DescriptionOption = None,
    version: VersionOption = None,
    paused: Annotated[bool | None, typer.Option("--paused", help="Paused from the start.")] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Change what is given of the one of this name, if there is one.")
    ] = False,
    output: FormatOption = "table",
) -> None:
    """Make a deployment.

    A file has one, a list of them, or `deployments:` with a list: `name: flow/name`, and the API's fields as `podium
    deployment inspect -o yaml` shows them. Options win over it. Without --pool its runs wait for whoever serves it.
    """
    from podium.cli.bodies import json_object, said

    rules = (cron, interval, rrule, anchor, timezone)
    rule = None if not any(rules) else rule_of(*rules, day_or)
    fields = said(
        **runs_of(pool, queue, entrypoint, path, pull_steps, version),
        parameters=parameters_of(param, params),
        parameter_openapi_schema=json_object(schema, "--parameter-schema") if schema is not None else None,
        enforce_parameter_schema=enforce,
        job_variables=job_variables_of(job_variable),
        schedules=[{"schedule": rule}] if rule else None,
        tags=tag,
        description=description,
        paused=paused,
    )
    _create(current(context), name, file, {**fields, **limit_of(limit, collision)}, overwrite, output)


def _create(
    invocation: Invocation,
    name: str | None,
    file: str | None,
    fields: dict[str, Any],
    overwrite: bool,
    output: Format,
) -> None:
    from podium.cli.showing import show_list
    from podium.cli.verbs import Worst
    from podium.client.errors import ClientError
    from podium.client.nouns.deployments import make

    made, worst = [], Worst(invocation)
    each_of = wanted(invocation, name, file, fields)
    for each in each_of:
        try:
            made.append(make(invocation.client, each.flow, each.name, each.fields, overwrite=overwrite))
        except ClientError as error:
            if len(each_of) == 1:
                raise
            worst.note(error, f"deployment '{each.flow}/{each.name}': ")
    show_list(invocation, DEPLOYMENT, made, output)
    if output == "table" and len(each_of) == 1:
        invocation.diagnostics.note(f"`podium deployment run {each_of[0].flow}/{made[0].name}` makes a run of it.")
    raise typer.Exit(worst.code)


@app.command(
    "run",
    epilog=example(
        "podium deployment run etl/nightly -p day=2026-05-06 --watch",
        "podium deployment run etl/nightly --params @params.json --start-in 2h",
    ),
)
def run(
    context: typer.Context,
    deployment: OptionalDeployment = None,
    by_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="The same as the argument.", hidden=True)
    ] = None,
    param: ParamOption = None,
    params: ParamsOption = None,
    job_variable: JobVariableOption = None,
    start_in: Annotated[str | None, typer.Option("--start-in", metavar="TIME", help="Start after: 15m, 2h.")] = None,
    start_at: Annotated[
        str | None, typer.Option("--start-at", metavar="TIME", help="Start at: 17:30, 2026-05-06T07:08.")
    ] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", "-t", metavar="TAG", help="A tag for the run.")] = None,
    name: Annotated[str | None, typer.Option("--flow-run-name", metavar="NAME", help="A name for the run.")] = None,
    queue: Annotated[str | None, typer.Option("--queue", "-q", metavar="QUEUE", help="Another work queue.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Print its states, and exit as it ended.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Like --watch, with what it logs.")] = False,
    timeout: Annotated[
        str | None, typer.Option("--watch-timeout", metavar="TIME", help="Watch no longer than this: 10m.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option("--watch-interval", metavar="SECONDS", help="Taken, and not needed.", hidden=True)
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Make a run of a deployment, now or later."""
    invocation = current(context)
    from podium.cli.bodies import seconds_of
    from podium.cli.showing import show_list
    from podium.cli.watching import watch as follow
    from podium.client.nouns.flow_runs import FLOW_RUN

    given = deployment or by_id
    if given is None:
        raise Failure(f"Which deployment? Give {DEPLOYMENT.metavar}.", ExitCode.USAGE)
    body = run_body(
        parameters_of(param, params) or {},
        at=starting(start_in, start_at),
        name=name,
        tags=tag or (),
        job_variables=job_variables_of(job_variable),
        queue=queue,
    )
    limit = seconds_of(timeout, "--watch-timeout")
    found = DEPLOYMENT.find(invocation.client, given)
    made = invocation.client.call(endpoint("deployments.CREATE_FLOW_RUN"), body, id=found.id)
    if watch or logs:
        invocation.diagnostics.note(f"Made flow run {made.name!r} ({made.id}).")
        raise typer.Exit(follow(invocation, made, output, limit, with_logs=logs))
    show_list(invocation, FLOW_RUN, [made], output)
    if output == "table":
        invocation.diagnostics.note(f"`podium flow-run watch {made.id}` follows it.")


def starting(start_in: str | None, start_at: str | None) -> datetime | None:
    """When a run is to start; None for now. Raises Failure."""
    # Loaded on use: help reads no values.
    from podium.cli.bodies import moment_of, seconds_of

    if start_in and start_at:
        raise Failure("Give --start-in or --start-at, not both.", ExitCode.USAGE)
    wait = seconds_of(start_in, "--start-in")
    return moment_of(start_at, "--start-at") if wait is None else datetime.now().astimezone() + timedelta(seconds=wait)


@app.command("edit", epilog=example("podium deployment edit etl/nightly --pool fast --param retries=3"))
def edit(
    context: typer.Context,
    deployment: DeploymentArgument,
    description: DescriptionOption = None,
    pool: PoolOption = None,
    queue: QueueOption = None,
    entrypoint: EntrypointOption = None,
    path: PathOption = None,
    pull_steps: PullStepsOption = None,
    version: VersionOption = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Its tags from now on.")] = None,
    param: ParamOption = None,
    job_variable: JobVariableOption = None,
    limit: LimitOption = None,
    collision: CollisionOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a deployment by options, or in your editor without any; parameters that are not named stay."""
    invocation = current(context)
    from podium.cli.bodies import said
    from podium.cli.editing import edit_row

    found = DEPLOYMENT.find(invocation.client, deployment)
    changes = said(**runs_of(pool, queue, entrypoint, path, pull_steps, version), description=description, tags=tag)
    if given := parameters_of(param, None):
        changes["parameters"] = {**found.parameters, **given}
    if given := job_variables_of(job_variable):
        changes["job_variables"] = {**found.job_variables, **given}
    changes |= limit_of(limit, collision)
    edit_row(invocation, DEPLOYMENT, found, changes, output)
