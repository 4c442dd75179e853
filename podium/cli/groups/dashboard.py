"""`podium dashboard`: the live dashboard in this terminal, and the server's pages."""

import shlex
import sys
from errno import EADDRINUSE
from typing import Annotated

import typer

from podium.cli.context import FormatOption, Invocation, current
from podium.cli.dashboard import FIRST_VIEW, open_dashboard
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.tree import group


def dashboard(
    context: typer.Context,
    view: Annotated[
        str, typer.Option("--view", metavar="VIEW", help="Begin with this view, as after `:`; a filter may follow.")
    ] = FIRST_VIEW,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, and change nothing.")] = False,
    web: Annotated[
        bool, typer.Option("--web", help="Serve it to a browser on this machine; needs `pip install 'podium[web]'`.")
    ] = False,
    port: Annotated[int, typer.Option("--port", metavar="PORT", help="Where to serve it.", min=1, max=65535)] = 4280,
) -> None:
    """Open the dashboard."""
    if context.invoked_subcommand is not None:
        return
    invocation = current(context)
    if web:
        _serve(invocation, view, port, read_only=read_only)
        return
    open_dashboard(invocation.profile, view, read_only=read_only)


def _serve(invocation: Invocation, view: str, port: int, *, read_only: bool) -> None:
    """Serves the dashboard to a browser until Ctrl+C. Raises Failure where the extra is missing."""
    try:
        from podium.tui.browser.serving import BrowserServer
    except ImportError as error:
        hint = "pip install 'podium[web]' installs it"
        raise Failure(f"`--web` needs the package {error.name}; {hint}.", ExitCode.USAGE) from None
    chosen = ["--profile", invocation.profile] if invocation.profile else []
    words = [sys.executable, "-m", "podium", *chosen, "dashboard", "--view", view]
    words += ["--read-only"] if read_only else []

    def told(address: str) -> None:
        invocation.diagnostics.note("Open this address in a browser on this machine; Ctrl+C stops it.")
        invocation.output.line(address)
        invocation.output.stream.flush()  # somebody waits for it, at the other end of a pipe too

    server = BrowserServer(shlex.join(words), port, told)
    try:
        server.serve()
    except OSError as error:
        what = "is taken" if error.errno == EADDRINUSE else f"cannot be used ({error.strerror or error})"
        raise Failure(f"Port {port} of this machine {what}; --port chooses another.") from None


app = group(
    "Open the live dashboard in this terminal.",
    dashboard,
    example("podium dashboard", "podium dashboard --view 'flow-run state=failed'", "podium dashboard --read-only"),
    alone=True,
)


@app.command("open", epilog=example("podium dashboard open", "podium dashboard open --print"))
def open_pages(
    context: typer.Context,
    only_print: Annotated[bool, typer.Option("--print", help="Print the URL and open nothing.")] = False,
    output: FormatOption = "table",
) -> None:
    """Open the page of the server, or print its URL where there is no terminal."""
    invocation = current(context)
    url = invocation.api_url.rstrip("/").removesuffix("/api") + "/"
    if output != "table":
        invocation.output.data({"url": url}, output, ("url",))
    else:
        invocation.output.line(url)
    if not only_print and invocation.output.is_terminal:
        typer.launch(url)
