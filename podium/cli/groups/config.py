"""`podium config`: see, set, check and explain settings."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.output import Format, Output
from podium.cli.tree import group
from podium.profiles import Resolved
from podium.profiles.errors import NotSettable, UnknownKey
from podium.profiles.layers import Candidate
from podium.profiles.registry import ALL, Setting, find, mask, near_miss, own_form
from podium.profiles.resolve import wrong_value
from podium.profiles.values import Unreadable, expected, parse, text
from podium.profiles.without_effect import has_effect

app = group("See, set, check and explain settings.")

SecretsOption = Annotated[
    bool, typer.Option("--show-secrets/--hide-secrets", help="Print passwords and keys instead of asterisks.")
]


@app.command("set", epilog=example("podium config set PODIUM_API_URL=http://127.0.0.1:4200/api"))
def set_values(
    context: typer.Context,
    assignments: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY=VALUE...", help="Settings and their values.", autocompletion=completing("assignment")
        ),
    ],
    output: FormatOption = "table",
) -> None:
    """Set settings in the profile."""
    invocation = current(context)
    values = dict(_assignment(each) for each in assignments)
    profile = invocation.resolved.profile
    invocation.store.set(profile, values)
    after = Invocation(invocation.profile).resolved
    for key in values:
        sentence = f"Set {key} in profile {profile!r}."
        invocation.told(sentence, output, name=key, action="set", profile=profile)
        origin = after.origin(key)
        if origin.source != "profile":
            invocation.diagnostics.warning(f"{origin.where}: {origin.key} wins over the profile.")


@app.command("unset", epilog=example("podium config unset PODIUM_API_URL"))
def unset_values(
    context: typer.Context,
    keys: Annotated[
        list[str],
        typer.Argument(
            metavar="KEY...", help="Settings to remove from the profile.", autocompletion=completing("setting")
        ),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Taken, and not needed.", hidden=True)] = False,
    output: FormatOption = "table",
) -> None:
    """Remove settings from the profile."""
    invocation = current(context)
    profile = invocation.resolved.profile
    content = invocation.store.read().profiles.get(profile, {})
    for key in keys:
        if find(key) is None and key not in content:
            raise UnknownKey("argument", key, near_miss(key))
        if key not in content and not any(find(each) is find(key) for each in content):
            raise Failure(f"{key} is not set in profile {profile!r}.", ExitCode.NOT_FOUND)
    for key in invocation.store.unset(profile, keys):
        sentence = f"Removed {key} from profile {profile!r}."
        invocation.told(sentence, output, name=key, action="unset", profile=profile)


@app.command("view", epilog=example("podium config view --show-defaults -o json"))
def view(
    context: typer.Context,
    show_defaults: Annotated[
        bool, typer.Option("--show-defaults/--hide-defaults", help="Include settings that nobody set.")
    ] = False,
    show_sources: Annotated[
        bool, typer.Option("--show-sources/--hide-sources", help="Say where each value comes from.")
    ] = True,
    show_secrets: SecretsOption = False,
    output: FormatOption = "table",
) -> None:
    """Show the settings in use."""
    invocation = current(context)
    settings, resolved = invocation.settings, invocation.resolved
    shown = {setting.path: setting for setting in resolved.given() if setting.path != "profile"}
    if show_defaults:
        shown |= {each.path: each for each in ALL.values() if each.section and each.path != "profile"}
    entries = [_entry(resolved, each, show_secrets) for each in sorted(shown.values(), key=resolved.printed_name)]
    if output != "table":
        _print_data(invocation.output, settings.profile, entries, show_sources, output)
        return
    invocation.output.line(f"PODIUM_PROFILE={quoted(settings.profile)}")
    for name, value, origin in entries:
        source = f" (from {origin.source})" if show_sources else ""
        invocation.output.line(f"{name}={quoted(text(value))}{source}")


@app.command("explain", epilog=example("podium config explain PODIUM_API_URL"))
def explain(
    context: typer.Context,
    key: Annotated[
        str,
        typer.Argument(metavar="KEY", help="A setting, by name or path.", autocompletion=completing("setting")),
    ],
    show_secrets: SecretsOption = False,
    output: FormatOption = "table",
) -> None:
    """List every value offered for a setting, where it stands, and which one wins."""
    invocation = current(context)
    resolved = invocation.resolved
    setting = find(key)
    if setting is None:
        raise UnknownKey("argument", key, near_miss(key))
    winner = resolved.origin(setting.path)
    candidates = [
        {
            "wins": candidate is winner or candidate == winner,
            "source": candidate.source,
            "origin": candidate.where,
            "name": candidate.key,
            "value": text(candidate.raw) if show_secrets else mask(setting, text(candidate.raw)),
            "note": candidate.ignored and f"ignored: {candidate.ignored}",
        }
        for candidate in resolved.candidates(setting.path)
    ]
    if output != "table":
        about = {"name": setting.name, "path": setting.path, "aliases": setting.names[1:], "help": setting.sentence}
        more = {"expected": expected(setting), "has_effect": has_effect(setting.path), "candidates": candidates}
        invocation.output.data({**about, **more}, output)
        return
    invocation.output.line(f"{setting.name}: {setting.sentence}")
    invocation.output.line(f"Takes {expected(setting)}. {_place(setting)}")
    if not has_effect(setting.path):
        invocation.output.line("It is accepted, and has no effect in this version of Podium.")
    invocation.output.line()
    rows = [[_mark(each), *(str(each[k]) for k in ("source", "origin", "name")), _shown(each)] for each in candidates]
    invocation.output.table(["", "source", "origin", "name", "value"], rows)


@app.command("validate", epilog=example("podium config validate"))
def validate(context: typer.Context, output: FormatOption = "table") -> None:
    """Check every setting in every source, strictly."""
    invocation = current(context)
    # Loaded on use: pydantic takes longer to import than all other commands of this group take to run.
    from podium.profiles.model import problems

    resolved = invocation.resolved
    found = problems(resolved)
    for notice in resolved.notices:
        invocation.diagnostics.warning(notice)
    for problem in found:
        invocation.diagnostics.error(str(problem))
    unknown = sum("is not a setting" in notice for notice in resolved.notices)
    if found or unknown:
        raise typer.Exit(ExitCode.USAGE)
    count = len(list(resolved.given()))
    sentence = f"All settings are in order: {count} set, profile {resolved.profile!r}."
    invocation.told(sentence, output, profile=resolved.profile, settings=count, result="valid")


@app.command("schema", epilog=example("podium config schema > podium.schema.json"))
def schema(context: typer.Context, output: FormatOption = "json") -> None:
    """Print the JSON schema of podium.toml, for editors."""
    # Loaded on use, as above.
    from podium.profiles.model import json_schema

    current(context).output.data(json_schema(), "json" if output == "table" else output)


def quoted(value: str) -> str:
    """The value in single quotes, as a shell reads it back."""
    return "'" + value.replace("'", "'\"'\"'") + "'"


def _assignment(written: str) -> tuple[str, str]:
    key, equals, value = written.partition("=")
    key = key.strip()
    setting = find(key)
    if setting is None:
        raise UnknownKey("argument", key or "an empty name", near_miss(key))
    if not equals:
        raise Failure(f"argument: {key} has no value; write {key}=VALUE.", ExitCode.USAGE)
    if setting.path == "profile":
        raise NotSettable("argument: PODIUM_PROFILE is chosen with `podium profile use NAME`.")
    if setting.declaration.process:
        raise NotSettable(f"argument: {setting.name} chooses the profile file, so only the environment can set it.")
    try:
        parse(setting, value)
    except Unreadable:
        raise wrong_value(setting, "argument", key, value) from None
    name = own_form(key.upper())
    return (name if name in setting.names else setting.name), value


def _entry(resolved: Resolved, setting: Setting, show_secrets: bool) -> tuple[str, Any, Candidate]:
    value = resolved.value(setting.path)
    if not show_secrets:
        shown = text(value)
        masked = mask(setting, shown)
        value = value if masked == shown else masked
    return resolved.printed_name(setting), value, resolved.origin(setting.path)


def _print_data(
    out: Output, profile: str, entries: list[tuple[str, Any, Candidate]], show_sources: bool, output: Format
) -> None:
    settings: dict[str, Any] = {}
    for name, value, origin in entries:
        plain: Any = str(value) if not isinstance(value, str | int | float | dict | frozenset | tuple | None) else value
        plain = sorted(plain) if isinstance(plain, frozenset) else plain
        settings[name] = {"value": plain, "source": origin.source, "origin": origin.where} if show_sources else plain
    if output in ("json", "yaml"):
        out.data({"profile": profile, "settings": settings}, output)
        return
    records = [
        {"name": name, **(value if isinstance(value, dict) and show_sources else {"value": value})}
        for name, value in settings.items()
    ]
    out.data(records, output)


def _place(setting: Setting) -> str:
    if setting.declaration.process:
        return "Set it in the environment."
    if setting.declaration.guarded:
        return "Set it in the environment or a profile; project files may not."
    return f"In TOML files: {setting.path}."


def _mark(candidate: dict[str, Any]) -> str:
    return "*" if candidate["wins"] else ""


def _shown(candidate: dict[str, Any]) -> str:
    return " ".join(filter(None, [quoted(candidate["value"]), candidate["note"] and f"({candidate['note']})"]))
