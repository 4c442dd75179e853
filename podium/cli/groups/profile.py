"""`podium profile`: keep settings under a name and choose among them."""

from typing import Annotated

import typer

from podium.cli.context import FormatOption, Invocation, YesOption, current
from podium.cli.declaring import completing, example
from podium.cli.groups.config import SecretsOption, quoted
from podium.cli.tree import group
from podium.profiles.errors import ProfileNotFound, WrongProfile
from podium.profiles.profile_file import BUILT_IN, DEFAULT_PROFILE, ProfileFile, read_profiles, similar_profile
from podium.profiles.registry import mask
from podium.profiles.resolve import profiles_path
from podium.profiles.values import text

app = group("Keep settings under a name and choose among them.")

NewArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the profile.")]
NameArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="Name of the profile.", autocompletion=completing("profile"))
]


@app.command("ls", epilog=example("podium profile ls"))
def ls(context: typer.Context, output: FormatOption = "table") -> None:
    """List the profiles; an asterisk marks the one in use."""
    invocation = current(context)
    file = read_profiles(profiles_path())
    in_use = _in_use(invocation)
    rows = [
        {"name": name, "active": name == in_use, "settings": len(file.values(name)), "origin": _origin(file, name)}
        for name in file.names()
    ]
    if output != "table":
        invocation.output.data(rows, output)
        return
    invocation.output.table(
        ["", "name", "settings", "origin"],
        [["*" if row["active"] else "", str(row["name"]), str(row["settings"]), str(row["origin"])] for row in rows],
    )


@app.command("create", epilog=example("podium profile create staging --from default"))
def create(
    context: typer.Context,
    name: NewArgument,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Copy this profile.", autocompletion=completing("profile")),
    ] = None,
    output: FormatOption = "table",
) -> None:
    """Make a profile, empty or as a copy."""
    invocation = current(context)
    store = invocation.store
    store.create(name, _content(store.read(), source) if source else None)
    sentence = f"Created profile {name!r}. `podium profile use {name}` makes it the active one."
    invocation.told(sentence, output, name=name, action="create")


@app.command("use", epilog=example("podium profile use staging"))
def use(context: typer.Context, name: NameArgument, output: FormatOption = "table") -> None:
    """Make a profile the active one."""
    invocation = current(context)
    invocation.store.use(name)
    invocation.told(f"Profile {name!r} is active.", output, name=name, action="use")
    in_use = _in_use(Invocation(invocation.profile))
    if in_use not in {name, None}:
        invocation.diagnostics.warning(f"PODIUM_PROFILE or --profile still chooses {in_use!r} here.")


@app.command("inspect", epilog=example("podium profile inspect staging -o json"))
def inspect(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="Profile; the one in use if left out.", autocompletion=completing("profile")
        ),
    ] = None,
    show_secrets: SecretsOption = False,
    output: FormatOption = "table",
) -> None:
    """Show what a profile holds."""
    invocation = current(context)
    content = _content(read_profiles(profiles_path()), name or invocation.resolved.profile)
    shown = {key: text(value) if show_secrets else mask(key, text(value)) for key, value in content.items()}
    if output != "table":
        invocation.output.data(shown, output)
        return
    for key, value in shown.items():
        invocation.output.line(f"{key}={quoted(value)}")
    if not shown:
        invocation.diagnostics.note("The profile is empty.")


@app.command("rename", epilog=example("podium profile rename staging qa"))
def rename(
    context: typer.Context,
    name: NameArgument,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="Its new name.")],
    output: FormatOption = "table",
) -> None:
    """Give a profile another name."""
    invocation = current(context)
    invocation.store.rename(name, new_name)
    sentence = f"Renamed profile {name!r} to {new_name!r}."
    invocation.told(sentence, output, name=new_name, action="rename", previous=name)


@app.command("delete", epilog=example("podium profile delete qa"))
def delete(context: typer.Context, name: NameArgument, yes: YesOption = False, output: FormatOption = "table") -> None:
    """Delete a profile."""
    invocation = current(context)
    store = invocation.store
    _content(store.read(), name)
    invocation.confirm(f"Delete profile {name!r}?", yes=yes)
    was_active = store.read().active == name
    store.delete(name)
    invocation.told(f"Deleted profile {name!r}.", output, name=name, action="delete")
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
