"""`podium deployment`: deployments, their runs and their schedules."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.deployments import DEPLOYMENT
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
ParamOption = Annotated[
    list[str] | None, typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter; JSON where it is JSON.")
]
JobVariableOption = Annotated[
    list[str] | None,
    typer.Option("--job-variable", "-jv", metavar="KEY=VALUE", help="A job variable; JSON where it is JSON."),
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
    params: Annotated[
        str | None, typer.Option("--params", metavar="JSON", help="All parameters; @FILE or - reads them.")
    ] = None,
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
    from podium.cli.bodies import assigned, json_object, seconds_of
    from podium.cli.showing import show_list
    from podium.cli.watching import watch as follow
    from podium.client.nouns.flow_runs import FLOW_RUN

    given = deployment or by_id
    if given is None:
        raise Failure(f"Which deployment? Give {DEPLOYMENT.metavar}.", ExitCode.USAGE)
    state: dict[str, Any] = {"type": "SCHEDULED"}
    if at := starting(start_in, start_at):
        state["state_details"] = {"scheduled_time": at}
    body = {
        "state": state,
        "parameters": {**(json_object(params, "--params") if params else {}), **assigned(param, "--param")},
        "job_variables": assigned(job_variable, "--job-variable"),
        "tags": tag or [],
        "name": name,
        "work_queue_name": queue,
    }
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


EDITABLE = (
    "description",
    "paused",
    "parameters",
    "tags",
    "work_pool_name",
    "work_queue_name",
    "job_variables",
    "enforce_parameter_schema",
)


@app.command("edit", epilog=example("podium deployment edit etl/nightly --pool fast --param retries=3"))
def edit(
    context: typer.Context,
    deployment: DeploymentArgument,
    description: Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")] = None,
    pool: Annotated[str | None, typer.Option("--pool", metavar="POOL", help="The work pool of its runs.")] = None,
    queue: Annotated[str | None, typer.Option("--queue", metavar="QUEUE", help="The queue of its runs.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Its tags from now on.")] = None,
    param: ParamOption = None,
    job_variable: JobVariableOption = None,
    limit: Annotated[
        str | None,
        typer.Option("--concurrency-limit", metavar="N", help="How many runs at a time; none lifts the limit."),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Change a deployment by options, or in your editor without any; parameters that are not named stay."""
    invocation = current(context)
    from podium.cli.bodies import assigned, number_or_none, said
    from podium.cli.editing import edit_row

    found = DEPLOYMENT.find(invocation.client, deployment)
    changes = said(description=description, work_pool_name=pool, work_queue_name=queue, tags=tag)
    if param:
        changes["parameters"] = {**found.parameters, **assigned(param, "--param")}
    if job_variable:
        changes["job_variables"] = {**found.job_variables, **assigned(job_variable, "--job-variable")}
    if limit:
        changes["concurrency_limit"] = number_or_none(limit, "--concurrency-limit")
    update = endpoint("deployments.UPDATE")
    edit_row(invocation, DEPLOYMENT, found, EDITABLE, changes, update, {"id": found.id}, output)
