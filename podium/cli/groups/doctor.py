"""`podium doctor`: everything that may be wrong between a command and its server, each with what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode

if TYPE_CHECKING:
    from podium.wire.findings import Finding

# Nothing of podium.server is imported before the command runs: every other command would start slower.

app = typer.Typer(rich_markup_mode=None, add_completion=False)

CLIENT, SERVER = "client", "server"


@app.command("doctor", epilog=example("podium doctor", "podium doctor --quick -o jsonl"))
def doctor(
    context: typer.Context,
    client: Annotated[bool, typer.Option("--client", help="Look at this side only, not at a database here.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what reads whole tables.")] = False,
    output: FormatOption = "table",
) -> None:
    """Look for what is wrong, and how to mend it.

    Settings, profile, server, versions and clocks are looked at, and nothing is changed. Database, tables, indexes,
    Redis, disk, stopped services and rows of lost runs are looked at where the settings name a database that is here.
    The exit code is 1 when anything failed; warnings leave it 0.
    """
    invocation = current(context)
    findings = [(CLIENT, each) for each in _of_client(invocation)]
    if not client and not any(each.check == "settings" and each.result == "failed" for _, each in findings):
        findings += [(SERVER, each) for each in _of_server(invocation, quick)]
    if output == "table":
        _show(invocation, findings)
    else:
        records = [
            {"side": side, "check": each.check, "result": each.result, "detail": each.detail, "fix": each.fix}
            for side, each in findings
        ]
        invocation.output.data(records, output, ("check",))
    if any(each.result == "failed" for _, each in findings):
        raise typer.Exit(ExitCode.FAILURE)


def _of_client(invocation: Invocation) -> "list[Finding]":
    from podium.client import checkup
    from podium.profiles import SettingsError
    from podium.wire.findings import found

    try:
        findings = _settings(invocation)
        return [*findings, *checkup.examine(invocation.settings, invocation.api_url)]
    except SettingsError as error:
        return [found("settings", "failed", f"{error}; `podium config validate` checks all of them")]


def _settings(invocation: Invocation) -> "list[Finding]":
    """Every source read strictly, and what was ignored."""
    from podium.profiles.model import problems
    from podium.wire.findings import found

    resolved = invocation.resolved
    findings = [found("settings", "failed", f"{each}; `podium config explain` says where it is from")
                for each in problems(resolved)]  # fmt: skip
    findings += [found("settings", "warning", notice) for notice in resolved.notices]
    if not findings:
        findings.append(found("settings", "ok", f"{len(list(resolved.given()))} are set, all of them valid"))
    findings.append(found("profile", "ok", f"{resolved.profile!r} is in use, for the API at {invocation.api_url}"))
    return findings


def _of_server(invocation: Invocation, quick: bool) -> "list[Finding]":
    """What is to be seen of a server here; where the settings name no database, there is none."""
    from podium.db.urls import sqlite_path
    from podium.wire.findings import found

    url = str(invocation.settings.server.database.connection_url)
    path = sqlite_path(url)
    if path is not None and not Path(path).expanduser().exists() and invocation.settings.api.url:
        return [found("database", "note", "there is none of a server here: only this side was looked at")]
    from podium.server.doctor import examine

    return examine(invocation.settings, quick)


def _show(invocation: Invocation, findings: "list[tuple[str, Finding]]") -> None:
    """What is not well comes with its fix below; the last line counts."""
    for _, each in findings:
        first, *more = invocation.output.folded(f"{each.check}: {each.detail}", 9)
        invocation.output.line(f"{each.result:<8} {first}")
        for line in more:
            invocation.output.line(f"{'':<8} {line}")
        if each.fix:
            invocation.output.line(f"{'':<8} Fix: {each.fix}")
    failed, warned = (sum(each.result == result for _, each in findings) for result in ("failed", "warning"))
    invocation.output.line()
    invocation.output.line(f"{len(findings)} things looked at, {failed} failed, {warned} with a warning.")
