"""`podium flow-run`: the runs of flows and what they logged."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group

if TYPE_CHECKING:
    from podium.wire.flow_runs import FlowRun

app = group("See the runs of flows, their states and their logs.")

RunArgument = Annotated[str, typer.Argument(metavar="ID|NAME", help="The id or the name of a flow run.")]

LEVELS = {10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL"}
STATE_NAMES = ("AwaitingRetry", "AwaitingConcurrencySlot", "RolledBack", "TimedOut")
COLUMNS = ("id", "flow", "name", "state", "started", "duration")


@app.command("ls")
def list_flow_runs(
    context: typer.Context,
    flow: Annotated[str | None, typer.Option("--flow", help="Only runs of this flow.")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="Only runs in a state of this name.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="How many at most.", min=1)] = 15,
    output: FormatOption = "table",
) -> None:
    """List flow runs, the newest first."""
    from podium.wire import flow_runs

    invocation = current(context)
    body: dict[str, Any] = {"sort": "EXPECTED_START_TIME_DESC"}
    if flow:
        body["flows"] = {"name": {"any_": [flow]}}
    if state:
        body["flow_runs"] = {"state": {"name": {"any_": [_state_name(each) for each in state]}}}
    runs: list[FlowRun] = list(invocation.client.pages(flow_runs.FILTER, body, limit))
    if output == "json":
        invocation.output.json(runs)
        return
    names = _flow_names(invocation, {run.flow_id for run in runs})
    invocation.output.table(COLUMNS, [_row(run, names.get(run.flow_id, "")) for run in runs])


@app.command("inspect")
def inspect_flow_run(context: typer.Context, run: RunArgument, output: FormatOption = "table") -> None:
    """Show a flow run with the history of its states."""
    from podium.wire import states

    invocation = current(context)
    found = _find(invocation, run)
    history = invocation.client.call(states.LIST_FLOW_RUN_STATES, query={"flow_run_id": found.id})
    if output == "json":
        invocation.output.json({"flow_run": found, "states": history})
        return
    flow = _flow_names(invocation, {found.flow_id}).get(found.flow_id, found.flow_id)
    shown = {
        "id": found.id,
        "name": found.name,
        "flow": flow,
        "state": found.state_name or "",
        "message": (found.state.message if found.state else None) or "",
        "parameters": _json(found.parameters),
        "tags": ", ".join(found.tags),
        "deployment": found.deployment_id or "",
        "pool": found.work_pool_name or "",
        "runs": str(found.run_count),
        "started": _time(found.start_time),
        "ended": _time(found.end_time),
        "duration": _duration(found.estimated_run_time),
    }
    for name, value in shown.items():
        if value:
            invocation.output.line(f"{name + ':':<12} {value}")
    invocation.output.line()
    rows = [(_time(each.timestamp), each.name or each.type, each.message or "") for each in history]
    invocation.output.table(("time", "state", "message"), rows)


@app.command("logs")
def show_logs(
    context: typer.Context,
    run: RunArgument,
    limit: Annotated[int | None, typer.Option("--limit", help="How many lines at most.", min=1)] = None,
    output: FormatOption = "table",
) -> None:
    """Print what a flow run logged, oldest line first."""
    from podium.wire import logs

    invocation = current(context)
    found = _find(invocation, run)
    body = {"logs": {"flow_run_id": {"any_": [found.id]}}, "sort": "TIMESTAMP_ASC"}
    lines = invocation.client.pages(logs.FILTER, body, limit)
    if output == "json":
        invocation.output.json(list(lines))
        return
    for line in lines:
        level = LEVELS.get(line.level, str(line.level))
        invocation.output.line(f"{_time(line.timestamp)} {level:<8} {line.name}: {line.message}")


def _find(invocation: Invocation, given: str) -> "FlowRun":
    """The run of this id, or the newest of this name."""
    from podium.wire import flow_runs

    if _looks_like_id(given):
        run: FlowRun = invocation.client.call(flow_runs.READ, id=given)
        return run
    body = {"flow_runs": {"name": {"any_": [given]}}, "sort": "EXPECTED_START_TIME_DESC", "limit": 1}
    for found in invocation.client.call(flow_runs.FILTER, body):
        newest: FlowRun = found
        return newest
    raise Failure(f"There is no flow run named {given!r}; `podium flow-run ls` lists them.", ExitCode.NOT_FOUND)


def _looks_like_id(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4 and all(char in "0123456789abcdef-" for char in text.lower())


def _state_name(given: str) -> str:
    """A state's name however it was typed; a name of one's own that has a capital somewhere stays as it is."""
    known = {name.lower(): name for name in STATE_NAMES}
    return known.get(given.lower()) or (given.capitalize() if given in (given.lower(), given.upper()) else given)


def _flow_names(invocation: Invocation, flow_ids: set[str]) -> dict[str, str]:
    from podium.wire import flows

    if not flow_ids:
        return {}
    body = {"flows": {"id": {"any_": sorted(flow_ids)}}}
    return {flow.id: flow.name for flow in invocation.client.pages(flows.FILTER, body)}


def _row(run: "FlowRun", flow: str) -> tuple[str, ...]:
    started = run.start_time or run.expected_start_time
    return (run.id, flow, run.name, run.state_name or "", _time(started), _duration(run.estimated_run_time))


def _time(moment: datetime | None) -> str:
    """In UTC, to the second: the same on every machine that reads along."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def _duration(seconds: float) -> str:
    if seconds <= 0:
        return ""
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m{rest:02}s" if hours else f"{minutes}m{rest:02}s"


def _json(value: Any) -> str:
    import msgspec

    return msgspec.json.encode(value).decode() if value else ""
