"""`podium global-concurrency-limit`: limits by name, of anything."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.cli.verbs import acting, add_verbs
from podium.client.nouns.limits import GLOBAL_LIMIT
from podium.client.nouns.noun import endpoint

app = group("See, make and switch limits of anything by name.")

LimitArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME|ID", help="A global concurrency limit.", autocompletion=completing("global-concurrency-limit")
    ),
]
SlotsOption = Annotated[int | None, typer.Option("--active-slots", metavar="N", help="How many are taken.", min=0)]
DecayOption = Annotated[
    float | None,
    typer.Option("--slot-decay-per-second", metavar="RATE", help="How many free themselves a second.", min=0),
]
DisableOption = Annotated[bool, typer.Option("--disable", help="Switched off: whoever asks gets a slot.")]

add_verbs(
    app,
    GLOBAL_LIMIT,
    {
        "ls": "podium gcl ls --name 'api-*'",
        "inspect": "podium gcl inspect api-calls",
        "enable": "podium gcl enable api-calls",
        "disable": "podium gcl disable api-calls",
        "delete": "podium gcl delete api-calls",
    },
)
for word, verb in (("pause", "disable"), ("resume", "enable")):
    action = GLOBAL_LIMIT.action(verb)
    app.command(word, epilog=example(f"podium gcl {word} api-calls"))(acting(GLOBAL_LIMIT, action))


@app.command("create", epilog=example("podium gcl create api-calls --limit 5 --slot-decay-per-second 1"))
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", help="How many slots it has.", min=0)],
    disable: DisableOption = False,
    active_slots: SlotsOption = None,
    decay: DecayOption = None,
    output: FormatOption = "table",
) -> None:
    """Make a global concurrency limit."""
    invocation = current(context)
    from podium.cli.bodies import said
    from podium.cli.showing import show_list

    body = said(active_slots=active_slots, slot_decay_per_second=decay)
    body |= {"name": name, "limit": limit, "active": not disable}
    made = invocation.client.call(endpoint("concurrency_v2.CREATE"), body)
    show_list(invocation, GLOBAL_LIMIT, [made], output)


def _update(
    context: typer.Context,
    limit_name: LimitArgument,
    enable: Annotated[bool, typer.Option("--enable", help="Switch it on.")] = False,
    disable: DisableOption = False,
    limit: Annotated[int | None, typer.Option("--limit", "-l", metavar="N", help="How many slots.", min=0)] = None,
    active_slots: SlotsOption = None,
    decay: DecayOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a global concurrency limit by options, or in your editor without any."""
    invocation = current(context)
    from podium.cli.bodies import said
    from podium.cli.editing import edit_row

    if enable and disable:
        raise Failure("Give --enable or --disable, not both.", ExitCode.USAGE)
    changes: dict[str, Any] = said(limit=limit, active_slots=active_slots, slot_decay_per_second=decay)
    if enable or disable:
        changes["active"] = enable
    found = GLOBAL_LIMIT.find(invocation.client, limit_name)
    edit_row(invocation, GLOBAL_LIMIT, found, changes, output)


app.command("update", epilog=example("podium gcl update api-calls --limit 10"))(_update)
app.command("edit", epilog=example("podium gcl edit api-calls --limit 10"))(_update)
