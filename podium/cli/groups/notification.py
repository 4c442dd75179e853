"""`podium notification`: who is told what of which runs."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import completing, example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.notifications import ANY, NOTIFICATION
from podium.client.nouns.noun import endpoint

app = group("Be told of the runs that fail, crash or are late.")

NotificationArgument = Annotated[
    str, typer.Argument(metavar="NAME|ID", help="A notification.", autocompletion=completing("notification"))
]
Texts = list[str] | None
OnOption = Annotated[
    Texts,
    typer.Option(
        "--on",
        metavar="STATE",
        help="A state a run enters: failed, crashed, late; FAILED: all of its type; any. Several: a,b or again.",
        autocompletion=completing("state"),
    ),
]
TagOption = Annotated[Texts, typer.Option("--tag", "-t", metavar="TAG", help="Runs with this tag, or another given.")]
FlowOption = Annotated[
    Texts, typer.Option("--flow", metavar="NAME|ID", help="Runs of this flow.", autocompletion=completing("flow"))
]
DeploymentOption = Annotated[
    Texts,
    typer.Option(
        "--deployment",
        metavar="FLOW/NAME|ID",
        help="Runs of this deployment.",
        autocompletion=completing("deployment"),
    ),
]
PoolOption = Annotated[
    Texts,
    typer.Option("--pool", "-p", metavar="POOL", help="Runs in this pool.", autocompletion=completing("work-pool")),
]
ChannelOption = Annotated[
    str | None,
    typer.Option("--channel", "-c", metavar="BLOCK", help="Where it goes: a block's NAME, TYPE/NAME or id."),
]
EmailOption = Annotated[Texts, typer.Option("--email", "-e", metavar="ADDRESS", help="Who gets it by email.")]
SubjectOption = Annotated[str | None, typer.Option("--subject", metavar="TEMPLATE", help="Its subject.")]
MessageOption = Annotated[
    str | None, typer.Option("--message", "-m", metavar="TEMPLATE", help="What it says; @FILE reads it.")
]

add_verbs(
    app,
    NOTIFICATION,
    {
        "ls": "podium notification ls --tag daily-etl",
        "inspect": "podium notification inspect etl-failures",
        "pause": "podium notification pause etl-failures",
        "resume": "podium notification resume --all",
        "delete": "podium notification delete etl-failures",
    },
)


@app.command(
    "create",
    epilog=example(
        "podium notification create --tag daily-etl --on failed --channel my-slack-webhook",
        "podium notification create late-runs --on late,crashed --pool prod --email ops@example.com",
    ),
)
def create(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Its name; one is made up without.")] = None,
    on: OnOption = None,
    tag: TagOption = None,
    flow: FlowOption = None,
    deployment: DeploymentOption = None,
    pool: PoolOption = None,
    channel: ChannelOption = None,
    email: EmailOption = None,
    subject: SubjectOption = None,
    message: MessageOption = None,
    paused: Annotated[bool, typer.Option("--paused", help="Paused from the start.")] = False,
    output: FormatOption = "table",
) -> None:
    """Send a message whenever a run enters a state.

    Of tags, flows, deployments and pools, each that you give must fit, by one of its values.
    """
    invocation = current(context)
    from podium.cli.showing import show_list

    if not on:
        raise Failure("On which states? Give --on failed, --on failed,crashed or --on any.", ExitCode.USAGE)
    if not channel and not email:
        raise Failure("Where to? Give --channel (a block) or --email.", ExitCode.USAGE)
    body = _said(invocation, on, tag, flow, deployment, pool, channel, email, subject, message)
    given = [*_split(on), *(tag or ()), *(flow or ()), *(deployment or ()), *(pool or ())]
    body |= {"name": name or _made_up([*given, "to", *(email or [channel or ""])]), "enabled": not paused}
    made = invocation.client.call(endpoint("notifications.CREATE"), body)
    _warn_of_unknown(invocation, made.state_names)
    show_list(invocation, NOTIFICATION, [made], output)


def _made_up(words: Sequence[str]) -> str:
    """A name out of what a notification does: `failed daily-etl to my-slack-webhook`."""
    text = " ".join(words)
    return "".join("-" if char in "/%&<>" else char for char in text)[:200]


def _split(given: Sequence[str]) -> list[str]:
    """The values of an option that takes several at once; an empty one is none."""
    return [word.strip() for each in given for word in each.split(",") if word.strip()]


def _said(
    invocation: Invocation,
    on: Texts,
    tag: Texts,
    flow: Texts,
    deployment: Texts,
    pool: Texts,
    channel: str | None,
    email: Texts,
    subject: str | None,
    message: str | None,
) -> dict[str, Any]:
    """The fields that the options say, names in them looked up."""
    from podium.cli.bodies import said, text_of
    from podium.client.nouns.channels import find_channel

    client = invocation.client
    body = said(
        state_names=None if on is None else [each for each in _split(on) if each.lower() != ANY],
        tags=None if tag is None else [each for each in tag if each],
        flow_ids=_ids(invocation, "flow", flow),
        deployment_ids=_ids(invocation, "deployment", deployment),
        work_pool_ids=_ids(invocation, "work-pool", pool),
        emails=None if email is None else _split(email),
    )
    if channel is not None:
        body["block_document_id"] = find_channel(client, channel).id if channel else None
    if subject is not None:
        body["subject"] = subject or None
    if message is not None:
        body["message"] = text_of(message, "--message") or None
    return body


def _ids(invocation: Invocation, noun: str, given: Texts) -> list[str] | None:
    from podium.client.nouns.registry import noun_of

    found = noun_of(noun)
    return None if given is None else [found.find(invocation.client, each).id for each in given if each]


def _warn_of_unknown(invocation: Invocation, states: Sequence[str]) -> None:
    """Say which states only a flow of one's own enters, and which were meant perhaps."""
    from difflib import get_close_matches

    from podium.wire.notifications import STATE_NAMES, STATE_TYPES

    for state in states:
        if state not in STATE_NAMES and state not in STATE_TYPES:
            similar = get_close_matches(state.capitalize(), STATE_NAMES, n=1)
            hint = f"; did you mean {similar[0]}?" if similar else "."
            invocation.diagnostics.warning(f"{state!r} is no state that Podium knows: a flow has to name it so{hint}")


@app.command(
    "edit",
    epilog=example(
        "podium notification edit etl-failures --on failed,crashed --tag daily-etl --tag hourly",
        "podium notification edit etl-failures",
    ),
)
def edit(
    context: typer.Context,
    notification: NotificationArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name.")] = None,
    on: OnOption = None,
    tag: TagOption = None,
    flow: FlowOption = None,
    deployment: DeploymentOption = None,
    pool: PoolOption = None,
    channel: ChannelOption = None,
    email: EmailOption = None,
    subject: SubjectOption = None,
    message: MessageOption = None,
    output: FormatOption = "table",
) -> None:
    """Change a notification by options, or in your editor without any.

    An option takes the place of all values there were; an empty one ('') takes them away.
    """
    invocation = current(context)
    from podium.cli.editing import edit_row

    found = NOTIFICATION.find(invocation.client, notification)
    changes = _said(invocation, on, tag, flow, deployment, pool, channel, email, subject, message)
    changes |= {} if name is None else {"name": name}
    edit_row(invocation, NOTIFICATION, found, changes, output)
    if on is not None:
        _warn_of_unknown(invocation, NOTIFICATION.find(invocation.client, found.id).state_names)


@app.command("test", epilog=example("podium notification test etl-failures"))
def test(
    context: typer.Context,
    notification: NotificationArgument,
    timeout: Annotated[
        float, typer.Option("--timeout", metavar="SECONDS", help="How long to wait for it to arrive; 0: not at all.")
    ] = 15.0,
    output: FormatOption = "table",
) -> None:
    """Send a notification now and tell whether it arrived.

    It is about a run that there is not, and goes out also while the notification is paused.
    """
    invocation = current(context)
    found = NOTIFICATION.find(invocation.client, notification)
    sent = invocation.client.call(endpoint("notifications.TEST"), id=found.id)
    if output != "table":
        invocation.output.data(sent, output, ("delivery_id",))
    else:
        invocation.output.line(sent.subject)
        invocation.output.line(sent.body)
    if timeout > 0:
        _await(invocation, sent.delivery_id, timeout)


def _await(invocation: Invocation, delivery_id: str, timeout: float) -> None:
    """Say whether a delivery arrived. Raises Failure when it was given up or takes longer."""
    from podium.client.nouns.deliveries import ended

    delivery = ended(invocation.client, delivery_id, timeout)
    if delivery.state == "delivered":
        invocation.diagnostics.note("It arrived.")
        return
    if delivery.state == "dead":
        raise Failure(f"It was given up: {delivery.error}")
    reason = f" ({delivery.error})" if delivery.error else "; are the background services running?"
    more = f"`podium notification deliveries inspect {delivery_id}` tells more."
    raise Failure(f"It has not arrived after {timeout:g} s{reason} {more}", ExitCode.TIMEOUT)
