"""`podium api`: a raw call."""

import sys
from typing import Annotated, Any

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "api",
    epilog=example(
        "podium api GET /flows/name/etl",
        "podium api POST /flow_runs/filter -d '{\"limit\": 5}' -o jsonl",
        "podium api GET /flow_run_states/ -q flow_run_id=0199f2a6-7e1c-7d3e-a1f0-5b1f0c7e9a55",
    ),
)
def api(
    context: typer.Context,
    method: Annotated[str, typer.Argument(metavar="METHOD", help="GET, POST, PUT, PATCH, DELETE or HEAD.")],
    path: Annotated[str, typer.Argument(metavar="PATH", help="Below the API's URL, such as /flows/filter.")],
    data: Annotated[
        str | None, typer.Option("--data", "-d", metavar="JSON", help="The body; @FILE or - reads it.")
    ] = None,
    query: Annotated[
        list[str] | None, typer.Option("--query", "-q", metavar="KEY=VALUE", help="A parameter of the query.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", "-H", metavar="NAME: VALUE", help="A further header.")
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show status and headers on stderr.")] = False,
    root: Annotated[bool, typer.Option("--root", help="Below the server's root instead of the API.")] = False,
    account: Annotated[bool, typer.Option("--account", help="Taken, and means nothing.", hidden=True)] = False,
    output: FormatOption = "json",
) -> None:
    """Call the API with the profile's credentials.

    The answer is printed. The exit code is that of the answer: 3 for 404, 4 for 401 and 403, 6 for 409, 2 for 422.
    """
    invocation = current(context)
    from podium.cli.bodies import text_of
    from podium.client.raw import call_raw

    method = method.upper()
    if method not in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"):
        raise Failure(f"{method!r} is no method of HTTP.", ExitCode.USAGE)
    body = text_of(data, "--data") if data is not None else None
    pairs = [_pair(each, "=", "--query") for each in query or ()]
    headers = dict(_pair(each, ":", "--header") for each in header or ())
    answer = call_raw(invocation.client, method, path, body, pairs, headers, root=root)
    if verbose:
        invocation.diagnostics.note(f"{method} {answer.url}")
        invocation.diagnostics.note(f"HTTP {answer.status}")
        for name, value in answer.headers:
            invocation.diagnostics.note(f"{name}: {value}")
    _show(invocation, answer, output)
    if answer.error is not None:
        raise answer.error


def _pair(text: str, separator: str, option: str) -> tuple[str, str]:
    key, found, value = text.partition(separator)
    if not found or not key.strip():
        raise Failure(f"{option}: {text!r} is not KEY{separator}VALUE.", ExitCode.USAGE)
    return key.strip(), value.strip() if separator == ":" else value


def _show(invocation: Any, answer: Any, output: Any) -> None:
    import msgspec

    if not answer.content:
        return
    try:
        value = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # What is no JSON (logs as CSV, pages) goes out as it came.
        sys.stdout.buffer.write(answer.content)
        return
    invocation.output.data(value, "json" if output == "table" else output)
