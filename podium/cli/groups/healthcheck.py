"""`podium healthcheck`: one question, one line, one exit code, for containers and supervisors."""

from typing import Annotated

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.declaring import example
from podium.cli.diagnostics import Failure

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command("healthcheck", epilog=example("podium healthcheck --ready --timeout 3"))
def healthcheck(
    context: typer.Context,
    url: Annotated[
        str | None, typer.Option("--url", help="API to ask; default: the process of this home, else the profile's.")
    ] = None,
    ready: Annotated[bool, typer.Option("--ready", help="Ask whether it is ready, not only whether it lives.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for the answer.", min=0.1)] = 5.0,
    output: FormatOption = "table",
) -> None:
    """Ask a process whether it is well. The exit code is 0 when it is; it may serve, or only run services."""
    # Loaded on use: every other command does without HTTP.
    from podium.client.api import Client
    from podium.client.errors import ClientError
    from podium.wire import root

    invocation = current(context)
    target = url or _url(invocation)
    with Client.of(invocation.settings, target, timeout, patient=False) as client:
        try:
            client.call(root.READY if ready else root.HEALTH)
        except ClientError as error:
            raise Failure(f"{target}: {error}") from None
    state = "ready" if ready else "alive"
    invocation.told(f"{target} is {state}.", output, name=target, state=state)


def _url(invocation: Invocation) -> str:
    from podium.server import pidfile

    if invocation.settings.api.url:
        return invocation.settings.api.url
    running = [*pidfile.running(invocation.settings.home), *pidfile.running(invocation.settings.home, "services")]
    return running[0].url if len(running) == 1 else invocation.api_url
