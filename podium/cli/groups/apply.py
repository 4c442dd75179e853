"""`podium apply`: make the server be as files say."""

from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.context import DryRunOption, FormatOption, Invocation, YesOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure

if TYPE_CHECKING:
    from podium.client.manifests.documents import Document

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _complete_kind(ctx: typer.Context, args: list[str], incomplete: str) -> list[str]:
    from podium.client.manifests.kinds import KINDS

    return [name for name in KINDS if name.startswith(incomplete)]


KindOption = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        "-k",
        metavar="KIND",
        help="Only this kind; several may be given.",
        autocompletion=_complete_kind,
    ),
]


@app.command(
    "apply",
    epilog=example(
        "podium apply -f deploy/ --dry-run",
        "podium export | podium --profile staging apply --yes -f -",
    ),
)
def apply(
    context: typer.Context,
    files: Annotated[
        list[str],
        typer.Option("--file", "-f", metavar="FILE", help="A file of YAML or JSON, a folder, or - for stdin."),
    ],
    kind: KindOption = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Delete what is of the kinds of --kind, and in no file.")
    ] = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    output: FormatOption = "table",
) -> None:
    """Make the server be as files say.

    The differences are shown first, and you are asked. With --dry-run nothing is done, and the exit code is 7 where
    something differs. A field that a file does not have stays as it is.
    """
    invocation = current(context)
    from podium.cli.changes import PAST, TO_DO, carry_out, code_for, counted, record_of, refuse, show_plan
    from podium.client.manifests.inventory import Inventory
    from podium.client.manifests.planning import planned

    kinds = known_kinds(kind)
    if prune and not kind:
        raise Failure("--prune needs --kind: it deletes all of a kind that no file has.", ExitCode.USAGE)
    documents = _documents(invocation, files, kinds if kind else None)
    if prune and (empty := [each for each in kinds if all(document.kind != each for document in documents)]):
        raise Failure(f"--prune would delete every {empty[0]}: the files have none.", ExitCode.USAGE)
    inventory = Inventory(invocation.client)
    plan = planned(inventory, documents, kinds if prune else ())
    refuse(invocation, plan)
    show_plan(invocation, plan, output, yes=yes)
    if dry_run or not plan.changes:
        if output != "table":
            invocation.output.data([record_of(each, "planned") for each in plan.changes], output)
        invocation.diagnostics.note(f"{counted(plan.changes, plan.unchanged, TO_DO)}.")
        raise typer.Exit(ExitCode.DRIFT if plan.changes else ExitCode.OK)
    invocation.confirm(f"{counted(plan.changes, plan.unchanged, TO_DO)}. Apply?", yes=yes)
    outcomes = carry_out(invocation, inventory, plan.changes, "Applying")
    if output != "table":
        invocation.output.data([record_of(each.change, each.result, each.detail) for each in outcomes], output)
    done = [each.change for each in outcomes if each.result == "done"]
    failed = len(outcomes) - len(done)
    more = f", {failed:,} failed; apply again to try them once more" if failed else ""
    invocation.diagnostics.note(f"{counted(done, plan.unchanged, PAST)}{more}.")
    raise typer.Exit(code_for(outcomes))


def known_kinds(given: list[str] | None) -> list[str]:
    """The kinds that were asked for, plurals too; the usual ones where none was. Raises Failure."""
    from podium.client.manifests.importing import by_default
    from podium.client.manifests.kinds import KINDS

    kinds = []
    for word in given or ():
        for name in word.split(","):
            aliases = {"gcl": "global-concurrency-limit"}
            found = aliases.get(name, name if name in KINDS else name.removesuffix("s"))
            if found not in KINDS:
                raise Failure(f"There is no kind {name!r}; known are {', '.join(KINDS)}.", ExitCode.USAGE)
            kinds.append(found)
    return list(dict.fromkeys(kinds)) or by_default()


def _documents(invocation: Invocation, files: list[str], kinds: list[str] | None) -> list["Document"]:
    """The documents of these kinds in the files; anything wrong in any is told before something is done."""
    import sys
    from pathlib import Path

    from podium.client.manifests.documents import files_of, parsed, twice

    documents, problems = [], []
    for given in files:
        for file in [None] if given == "-" else files_of(Path(given)):
            try:
                text = sys.stdin.read() if file is None else file.read_text("utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                code = ExitCode.NOT_FOUND if isinstance(error, FileNotFoundError) else ExitCode.USAGE
                raise Failure(f"--file: {file} cannot be read: {error}", code) from None
            found, wrong = parsed(text, "stdin" if file is None else str(file))
            documents += found
            problems += wrong
    problems += twice(documents)
    if problems:
        for problem in problems:
            invocation.diagnostics.error(str(problem))
        raise Failure("Nothing was done.", ExitCode.USAGE)
    if not documents:
        raise Failure(f"There is no document in {', '.join(files)}.", ExitCode.USAGE)
    return documents if kinds is None else [each for each in documents if each.kind in kinds]
