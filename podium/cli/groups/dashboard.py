"""`podium dashboard`: the server's pages."""

from typing import Annotated

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.tree import group

app = group("Open the server's pages in a browser.")


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
