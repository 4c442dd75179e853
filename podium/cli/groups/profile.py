"""`podium profile`: keep settings under a name and choose among them."""

from typing import Annotated

import typer

from podium.cli.context import FormatOption, Invocation, YesOption, current
from podium.cli.groups.config import SecretsOption, quoted
from podium.cli.tree import group
from podium.profiles.errors import ProfileNotFound, WrongProfile
from podium.profiles.profile_file import BUILT_IN, DEFAULT_PROFILE, ProfileFile, read_profiles, similar_profile
from podium.profiles.registry import mask
from podium.profiles.resolve import profiles_path
from podium.profiles.values import text

app = group("Keep settings under a name and choose among them.")

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the profile.")]


@app.command("ls")
def ls(context: typer.Context, output: FormatOption = "table") -> None:
    """List the profiles; an asterisk marks the one in use."""
    invocation = current(context)
    file = read_profiles(profiles_path())
    in_use = _in_use(invocation)
    rows = [
        {"name": name, "active": name == in_use, "settings": len(file.values(name)), "origin": _origin(file, name)}
        for name in file.names()
    ]
    if output == "json":
        invocation.output.json(rows)
        return
    invocation.output.table(
        ["", "name", "settings", "origin"],
        [["*" if row["active"] else "", str(row["name"]), str(row["settings"]), str(row["origin"])] for row in rows],
    )


@app.command("create")
def create(
    context: typer.Context,
    name: NameArgument,
    source: Annotated[str | None, typer.Option("--from", metavar="NAME", help="Copy this profile.")] = None,
) -> None:
    """Make a profile, empty or as a copy."""
    invocation = current(context)
    store = invocation.store
    store.create(name, _content(store.read(), source) if source else None)
    invocation.output.line(f"Created profile {name!r}. `podium profile use {name}` makes it the active one.")


@app.command("use")
def use(context: typer.Context, name: NameArgument) -> None:
    """Make a profile the active one."""
    invocation = current(context)
    invocation.store.use(name)
    invocation.output.line(f"Profile {name!r} is active.")
    in_use = _in_use(Invocation(invocation.profile))
    if in_use not in {name, None}:
        invocation.diagnostics.warning(f"PODIUM_PROFILE or --profile still chooses {in_use!r} here.")


@app.command("inspect")
def inspect(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Profile; the one in use if left out.")] = None,
    show_secrets: SecretsOption = False,
    output: FormatOption = "table",
) -> None:
    """Show what a profile holds."""
    invocation = current(context)
    content = _content(read_profiles(profiles_path()), name or invocation.resolved.profile)
    shown = {key: text(value) if show_secrets else mask(key, text(value)) for key, value in content.items()}
    if output == "json":
        invocation.output.json(shown)
        return
    for key, value in shown.items():
        invocation.output.line(f"{key}={quoted(value)}")
    if not shown:
        invocation.diagnostics.note("The profile is empty.")


@app.command("rename")
def rename(
    context: typer.Context,
    name: NameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
) -> None:
    """Give a profile another name."""
    invocation = current(context)
    invocation.store.rename(name, new_name)
    invocation.output.line(f"Renamed profile {name!r} to {new_name!r}.")


@app.command("delete")
def delete(context: typer.Context, name: NameArgument, yes: YesOption = False) -> None:
    """Delete a profile."""
    invocation = current(context)
    store = invocation.store
    _content(store.read(), name)
    invocation.confirm(f"Delete profile {name!r}?", yes=yes)
    was_active = store.read().active == name
    store.delete(name)
    invocation.output.line(f"Deleted profile {name!r}.")
    if was_active:
        invocation.diagnostics.note(f"It was the active one; {DEFAULT_PROFILE!r} is in use.")


def _in_use(invocation: Invocation) -> str | None:
    """The profile in use; None, with a warning, when a name is chosen that does not exist."""
    try:
        return invocation.resolved.profile
    except WrongProfile as error:
        invocation.diagnostics.warning(str(error))
        return None


def _content(file: ProfileFile, name: str) -> dict[str, object]:
    known = file.names()
    if name not in known:
        raise ProfileNotFound("argument", name, known, similar_profile(name, known))
    return file.values(name)


def _origin(file: ProfileFile, name: str) -> str:
    if name in file.profiles:
        return file.where("profiles", name)
    return "built-in" if name in BUILT_IN else ""
