"""`podium flow-run`: the runs of flows and what they logged."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import completing, declared, example, parameter, several
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.run_logs import add_logs
from podium.cli.tree import group
from podium.cli.verbs import acting, add_verbs
from podium.client.nouns.flow_runs import FLOW_RUN
from podium.client.nouns.noun import Action
from podium.client.nouns.proposing import TERMINAL, cancel_by_force, resume

app = group("See, cancel, retry and follow the runs of flows.")

RunArgument = Annotated[
    str, typer.Argument(metavar="ID|NAME", help="A flow run.", autocompletion=completing("flow-run"))
]
TimeoutOption = Annotated[
    str | None, typer.Option("--timeout", metavar="TIME", help="Give up after so long (90s, 10m), with exit code 5.")
]

add_verbs(
    app,
    FLOW_RUN,
    {
        "ls": "podium flow-run ls --state failed --since 1d --flow etl",
        "inspect": "podium flow-run inspect sassy-mongoose -o json",
        "retry": "podium flow-run retry --state crashed --since 2h --yes",
        "pause": "podium flow-run pause sassy-mongoose",
        "delete": "podium flow-run ls --state cancelled -o name | podium flow-run delete --yes -",
    },
)
add_logs(
    app,
    FLOW_RUN,
    "flow_run_id",
    "podium flow-run logs sassy-mongoose --level error",
    "podium flow-run logs -f sassy-mongoose",
)


FORCE = parameter(
    "force",
    Annotated[bool, typer.Option("--force", help="Make them CANCELLED without waiting for their processes.")],
    False,
)
INPUT = parameter(
    "run_input",
    Annotated[str | None, typer.Option("--input", metavar="JSON", help="What the runs wait for.")],
)


def _cancelling(given: Any) -> Action:
    usual = FLOW_RUN.action("cancel")
    return usual._replace(run=cancel_by_force) if given["force"] else usual


def _resuming(given: Any) -> Action:
    usual = FLOW_RUN.action("resume")
    if given["run_input"] is None:
        return usual
    from podium.cli.bodies import json_value

    value = json_value(given["run_input"], "--input")
    return usual._replace(run=lambda client, run: resume(client, run, value))


app.command("cancel", epilog=example("podium flow-run cancel --state late --flow etl --dry-run"))(
    acting(FLOW_RUN, FLOW_RUN.action("cancel"), [FORCE], _cancelling)
)
app.command("resume", epilog=example("podium flow-run resume sassy-mongoose --input '{\"approved\": true}'"))(
    acting(FLOW_RUN, FLOW_RUN.action("resume"), [INPUT], _resuming)
)


@app.command("watch", epilog=example("podium flow-run watch sassy-mongoose --logs --timeout 1h"))
def watch(
    context: typer.Context,
    run: RunArgument,
    logs: Annotated[bool, typer.Option("--logs", help="Print what it logs, too.")] = False,
    timeout: TimeoutOption = None,
    output: FormatOption = "table",
) -> None:
    """Print the states of a flow run until it is over, and exit as it ended."""
    invocation = current(context)
    from podium.cli.bodies import seconds_of

    limit = seconds_of(timeout, "--timeout")
    found = FLOW_RUN.find(invocation.client, run)
    from podium.cli.watching import watch as follow

    raise typer.Exit(follow(invocation, found, output, limit, with_logs=logs))


def _wait(
    context: typer.Context, given: list[str] | None, wanted: list[str] | None, timeout: str | None, output: Any
) -> None:
    invocation = current(context)
    from podium.cli.bodies import seconds_of
    from podium.cli.selecting import named
    from podium.cli.showing import show_list
    from podium.cli.watching import is_in, wait

    names = named(given)
    if not names:
        raise Failure(f"Which flow runs? Give {FLOW_RUN.metavar}.", ExitCode.USAGE)
    states = wanted_states(wanted)
    runs = [FLOW_RUN.find(invocation.client, name) for name in names]
    reached = wait(invocation, runs, states, seconds_of(timeout, "--timeout"))
    show_list(invocation, FLOW_RUN, reached, output)
    good = states if wanted else frozenset({"completed"})
    fits = all(is_in(run, good) for run in reached)
    raise typer.Exit(ExitCode.OK if fits else ExitCode.FAILURE)


WAIT_FOR = parameter(
    "wanted",
    Annotated[
        list[str] | None,
        typer.Option("--for", metavar="state=NAME,…", help="The states to wait for, by name or type; else any end."),
    ],
)
app.command("wait", epilog=example("podium flow-run wait sassy-mongoose --for state=running,completed --timeout 10m"))(
    declared(
        _wait,
        [several(FLOW_RUN), WAIT_FOR, parameter("timeout", TimeoutOption), parameter("output", FormatOption, "table")],
        "Wait until flow runs are in a state, or over.\n\nThe exit code is 0 where all are in a state that was wanted "
        "(without --for: where all completed), 1 where one ended otherwise, and 5 after --timeout.",
    )
)


def wanted_states(wanted: list[str] | None) -> frozenset[str]:
    """The states of ``--for state=…``, in small letters; any end where nothing is said. Raises Failure."""
    states: set[str] = set()
    for each in wanted or ():
        what, equals, names = each.partition("=")
        if equals and what != "state":
            raise Failure(f"--for takes state=NAME,…, not {each!r}.", ExitCode.USAGE)
        states |= {name.strip().lower() for name in (names if equals else what).split(",") if name.strip()}
    return frozenset(states or (each.lower() for each in TERMINAL))


@app.command("edit", epilog=example("podium flow-run edit sassy-mongoose --name nightly-retry --tag reviewed"))
def edit(
    context: typer.Context,
    run: RunArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Its new name.")] = None,
    tags: Annotated[list[str] | None, typer.Option("--tag", metavar="TAG", help="Its tags from now on.")] = None,
    output: FormatOption = "table",
) -> None:
    """Change the name or the tags of a flow run; without options in your editor."""
    invocation = current(context)
    from podium.cli.bodies import said
    from podium.cli.editing import edit_row

    found = FLOW_RUN.find(invocation.client, run)
    edit_row(invocation, FLOW_RUN, found, said(name=name, tags=tags), output)
