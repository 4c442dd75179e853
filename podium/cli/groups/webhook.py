"""`podium webhook`: URLs whose calls become events."""

from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, YesOption, current
from podium.cli.declaring import completing, example
from podium.cli.output import Format
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.noun import endpoint
from podium.client.nouns.webhooks import WEBHOOK

app = group("Make events of what other programs call.")

WebhookArgument = Annotated[
    str, typer.Argument(metavar="NAME|ID", help="A webhook.", autocompletion=completing("webhook"))
]
TemplateOption = Annotated[
    str | None,
    typer.Option(
        "--template", "-t", metavar="TEXT", help="What makes the JSON of an event out of a call; @FILE reads it."
    ),
]
DescriptionOption = Annotated[str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")]
Pairs = list[str] | None

add_verbs(
    app,
    WEBHOOK,
    {
        "ls": "podium webhook ls --paused",
        "inspect": "podium webhook inspect github",
        "pause": "podium webhook pause github",
        "resume": "podium webhook resume --all",
        "delete": "podium webhook delete github",
    },
)


@app.command(
    "create",
    epilog=example("podium webhook create github --template @github.jinja", "podium webhook create anything"),
)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    template: TemplateOption = None,
    description: DescriptionOption = None,
    paused: Annotated[bool, typer.Option("--paused", help="Paused from the start.")] = False,
    output: FormatOption = "table",
) -> None:
    """Make a webhook and show its URL, this once: whoever knows it can make events."""
    invocation = current(context)
    from podium.cli.bodies import said

    body = said(name=name, template=_template(template), description=description, enabled=not paused)
    _show_url(invocation, invocation.client.call(endpoint("webhooks.CREATE"), body), output)


def _template(given: str | None) -> str | None:
    from podium.cli.bodies import text_of

    return None if given is None else text_of(given, "--template")


def _show_url(invocation: Invocation, made: Any, output: Format) -> None:
    if output == "table":
        invocation.output.line(made.url)
        invocation.diagnostics.note("Keep this URL: it is not shown again. `podium webhook rotate` makes another.")
    else:
        invocation.output.data(made, output)


@app.command("rotate", epilog=example("podium webhook rotate github"))
def rotate(
    context: typer.Context, webhook: WebhookArgument, yes: YesOption = False, output: FormatOption = "table"
) -> None:
    """Give a webhook another URL and show it; the old one is none any more."""
    invocation = current(context)
    found = WEBHOOK.find(invocation.client, webhook)
    if invocation.interactive:
        invocation.confirm(f"Give webhook {found.name!r} another URL? Whoever calls the old one fails.", yes=yes)
    _show_url(invocation, invocation.client.call(endpoint("webhooks.ROTATE"), id=found.id), output)


@app.command(
    "edit",
    epilog=example("podium webhook edit github --template @github.jinja", "podium webhook edit github"),
)
def edit(
    context: typer.Context,
    webhook: WebhookArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name.")] = None,
    template: TemplateOption = None,
    description: DescriptionOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a webhook by options, or in your editor without any. Its URL stays."""
    invocation = current(context)
    from podium.cli.bodies import said
    from podium.cli.editing import edit_row

    found = WEBHOOK.find(invocation.client, webhook)
    changes = said(name=name, template=_template(template), description=description)
    edit_row(invocation, WEBHOOK, found, changes, output)


@app.command(
    "test",
    epilog=example(
        "podium webhook test github --body @push.json --header X-GitHub-Event=push",
        "podium webhook test github --body @push.json --template @new.jinja",
    ),
)
def test(
    context: typer.Context,
    webhook: WebhookArgument,
    body: Annotated[
        str | None, typer.Option("--body", metavar="TEXT", help="The body: JSON or text; @FILE or - reads it.")
    ] = None,
    header: Annotated[Pairs, typer.Option("--header", "-H", metavar="NAME=VALUE", help="A header of the call.")] = None,
    query: Annotated[Pairs, typer.Option("--query", metavar="NAME=VALUE", help="A parameter of the URL.")] = None,
    method: Annotated[str, typer.Option("--method", metavar="METHOD", help="How it is called.")] = "POST",
    template: TemplateOption = None,
    output: FormatOption = "table",
) -> None:
    """Show the event that a call would become; nothing is stored."""
    invocation = current(context)
    from podium.cli.bodies import text_of
    from podium.client.nouns.values import loosely

    found = WEBHOOK.find(invocation.client, webhook)
    call = {
        "body": None if body is None else loosely(text_of(body, "--body")),
        "headers": _texts(header, "--header"),
        "query": _texts(query, "--query"),
        "method": method,
        "template": _template(template),
    }
    event = invocation.client.call(endpoint("webhooks.TEST"), call, id=found.id)
    invocation.output.data(event, "json" if output == "table" else output, ("event",))


def _texts(pairs: Pairs, option: str) -> dict[str, str]:
    from podium.cli.diagnostics import ExitCode, Failure

    values = {}
    for each in pairs or ():
        name, equals, value = each.partition("=")
        if not equals or not name:
            raise Failure(f"{option}: {each!r} is not NAME=VALUE.", ExitCode.USAGE)
        values[name] = value
    return values
