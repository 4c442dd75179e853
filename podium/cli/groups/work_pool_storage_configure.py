"""`podium work-pool storage configure`: a command for each kind of storage."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from podium.cli.context import current
from podium.cli.declaring import FORMAT, Parameter, completing, declared, example, parameter
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.groups.work_pool import PoolArgument
from podium.cli.output import Format
from podium.cli.tree import group
from podium.client.nouns.pool_storage import STORAGES, Storage
from podium.client.nouns.work_pools import WORK_POOL

app = group("Choose where the runs of a pool keep results.")
Launcher = str | None
Words = list[str] | None


def _option(flag: str, kind: Any, text: str, metavar: str, noun: str = "") -> Parameter:
    option = typer.Option(flag, metavar=metavar, help=text, autocompletion=completing(noun))
    return parameter(flag.removeprefix("--").replace("-", "_"), Annotated[kind, option])


LAUNCHERS = (
    _option("--launcher", Launcher, "What starts upload and run, in place of uv.", "PROGRAM"),
    _option("--launcher-arg", Words, "A word after it; several may be given.", "WORD"),
    _option("--upload-launcher", Launcher, "The same for the upload alone.", "PROGRAM"),
    _option("--upload-launcher-arg", Words, "A word after it, or after --launcher.", "WORD"),
    _option("--execution-launcher", Launcher, "The same for the run alone.", "PROGRAM"),
    _option("--execution-launcher-arg", Words, "A word after it, or after --launcher.", "WORD"),
)


def _configure(storage: Storage) -> Callable[..., Any]:
    """The command for a kind of storage."""
    flag = f"--{storage.credentials_name.replace('_', '-')}"

    def run(context: typer.Context, pool: str, output: Format, **given: Any) -> None:
        invocation = current(context)
        from podium.client.nouns.pool_storage import configure

        place, credentials = given[storage.place], given[storage.credentials_name]
        if not place:
            raise Failure(f"Which {storage.place}? Give --{storage.place}.", ExitCode.USAGE)
        if storage.needs_credentials and not credentials:
            raise Failure(f"Whose credentials? Give {flag}.", ExitCode.USAGE)
        shared = launcher_of(given, "launcher", None)
        launchers = launcher_of(given, "upload_launcher", shared), launcher_of(given, "execution_launcher", shared)
        found = WORK_POOL.find(invocation.client, pool)
        results = configure(invocation.client, found, storage, place, credentials or None, launchers)
        by = f"the credentials of {credentials!r}" if credentials else "the credentials of whoever runs them"
        told = f"Runs of work pool {found.name!r} keep their results in {results!r}, with {by}."
        invocation.told(told, output, work_pool=found.name, results=results, type=storage.told)

    parameters = [
        Parameter("pool", Parameter.POSITIONAL_OR_KEYWORD, annotation=PoolArgument),
        _option(f"--{storage.place}", str | None, f"The name of the {storage.place}. Needed.", "NAME"),
        _option(flag, str | None, f"A block of type {storage.credentials}; {_without(storage)}.", "NAME"),
        *LAUNCHERS,
        FORMAT,
    ]
    return declared(run, parameters, f"Keep results and code of a pool's runs in {storage.told}.")


def _without(storage: Storage) -> str:
    return "needed" if storage.needs_credentials else "else those of the machine"


def launcher_of(given: dict[str, Any], name: str, shared: list[str] | None) -> list[str] | None:
    """The words that start a step; None for the usual ones. Raises Failure."""
    program, words = given[name], given[f"{name}_arg"] or []
    flag = f"--{name.replace('_', '-')}"
    if any(not word.strip() for word in words) or (program is not None and not program.strip()):
        raise Failure(f"{flag}: An empty word starts nothing.", ExitCode.USAGE)
    if program is not None:
        return [program, *words]
    if words and shared is None:
        raise Failure(f"{flag}-arg needs {flag}.", ExitCode.USAGE)
    return None if shared is None else [*shared, *words]


for _storage in STORAGES:
    _place = f"--{_storage.place} results"
    _more = f" --{_storage.credentials_name.replace('_', '-')} prod" if _storage.needs_credentials else ""
    app.command(
        _storage.name, epilog=example(f"podium work-pool storage configure {_storage.name} fast {_place}{_more}")
    )(_configure(_storage))
