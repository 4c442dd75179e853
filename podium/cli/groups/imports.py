"""`podium import`: copy what another server has."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from podium.cli.context import DryRunOption, FormatOption, Invocation, YesOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode
from podium.cli.groups.apply import KindOption, known_kinds

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.client.manifests.inventory import Inventory, Skipped
    from podium.client.manifests.planning import Plan

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "import",
    epilog=example(
        "podium import --from http://prefect.internal:4200/api --dry-run",
        "podium import --from http://prefect.internal:4200/api --kind variable --yes",
    ),
)
def import_(
    context: typer.Context,
    source: Annotated[str, typer.Option("--from", metavar="URL", help="The API of the other server.")],
    auth_string: Annotated[
        str | None,
        typer.Option(
            "--auth-string",
            metavar="USER:PASS",
            envvar="PODIUM_IMPORT_AUTH_STRING",
            help="Its auth string, if it has one.",
        ),
    ] = None,
    api_key: Annotated[
        str | None, typer.Option("--api-key", metavar="KEY", envvar="PODIUM_IMPORT_API_KEY", help="A key for it.")
    ] = None,
    kind: KindOption = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave what is here already as it is.")] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output: FormatOption = "table",
) -> None:
    """Copy what another server has.

    It is one of Prefect's, or of Podium's. Copied are deployments with their schedules, pools, queues, limits,
    variables, blocks with their secrets and types, and automations; no runs. What is as it should be is left alone, so
    that it may be run again where it broke off.
    """
    invocation = current(context)
    from podium.cli.changes import PAST, TO_DO, carry_out, code_for, counted, record_of, show_plan

    target, plan, skipped = _planned(invocation, source, auth_string, api_key, known_kinds(kind), keep)
    show_plan(invocation, plan, output, yes=yes)
    outcomes = []
    if plan.changes and not dry_run:
        invocation.confirm(f"{counted(plan.changes, plan.unchanged, TO_DO)}. Import?", yes=yes)
        outcomes = carry_out(invocation, target, plan.changes, "Importing")
    if output != "table":
        records = [record_of(each.change, each.result, each.detail) for each in outcomes]
        records = records or [record_of(each, "planned") for each in plan.changes]
        invocation.output.data([*records, *map(_record, skipped)], output)
    for each in skipped:
        invocation.diagnostics.warning(f"{each.kind} {each.name!r} is skipped: {each.reason}.")
    done = plan.changes if dry_run else [each.change for each in outcomes if each.result == "done"]
    failed = sum(each.result == "failed" for each in outcomes)
    more = "".join(f", {number:,} {word}" for number, word in ((len(skipped), "skipped"), (failed, "failed")) if number)
    invocation.diagnostics.note(f"{counted(done, plan.unchanged, TO_DO if dry_run else PAST)}{more}.")
    if dry_run and plan.changes:
        raise typer.Exit(ExitCode.DRIFT)
    raise typer.Exit(code_for(outcomes) or (ExitCode.FAILURE if skipped else ExitCode.OK))


def _planned(
    invocation: Invocation,
    source: str,
    auth_string: str | None,
    api_key: str | None,
    kinds: list[str],
    keep: bool,
) -> "tuple[Inventory, Plan, list[Skipped]]":
    """What is here, what there is to do for what is there, and what cannot be copied."""
    from podium.cli.progress import QUICK, progress_bar
    from podium.client.manifests.importing import documents_to_copy, skipped_for
    from podium.client.manifests.inventory import Inventory
    from podium.client.manifests.planning import planned

    target = Inventory(invocation.client)
    with (
        _client(invocation, source, auth_string, api_key) as other,
        progress_bar(invocation, "Reading", QUICK) as step,
    ):
        copy = documents_to_copy(Inventory(other, with_secrets=True), target, kinds, step)
    plan = planned(target, copy.documents, keep=keep)
    return target, plan, [*copy.skipped, *skipped_for(plan.problems, copy.documents)]


def _record(skipped: Any) -> dict[str, Any]:
    return {
        "kind": skipped.kind,
        "name": skipped.name,
        "action": "create",
        "result": "skipped",
        "detail": skipped.reason,
        "changes": [],
    }


def _client(invocation: Invocation, url: str, auth_string: str | None, api_key: str | None) -> "Client":
    """The way to the other server. The credentials for this one are not for it."""
    from urllib.parse import urlsplit

    from podium.client.api import Client
    from podium.client.retrying import Retrying

    settings = invocation.settings
    base = url.rstrip("/")
    client = Client(
        base if urlsplit(base).path else f"{base}/api",
        auth_string,
        api_key,
        settings.api.request_timeout,
        verify=invocation.client.verify,
        retrying=Retrying.of(settings.client),
    )
    client.hint = "--from names the other server"
    return client
