"""`podium export`: what the server has, as files that `podium apply` takes."""

from typing import TYPE_CHECKING, Annotated

import typer

from podium.cli.context import current
from podium.cli.declaring import example
from podium.cli.diagnostics import Failure
from podium.cli.groups.apply import KindOption, known_kinds
from podium.cli.output import Format
from podium.cli.progress import QUICK, progress_bar

if TYPE_CHECKING:
    from pathlib import Path

    from podium.client.manifests.documents import Document

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command(
    "export",
    epilog=example("podium export -k deployment,work-pool > podium.yaml", "podium export deploy/"),
)
def export(
    context: typer.Context,
    target: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|DIR]", help="A file, or a folder that gets a file for each; usually stdout."),
    ] = None,
    kind: KindOption = None,
    output: Annotated[
        Format,
        typer.Option("--output", "-o", metavar="FORMAT", help="How to print: yaml, json, jsonl, table, csv or name."),
    ] = "yaml",
) -> None:
    """Write what the server has as files.

    `podium apply` takes them. Things go by their names, without what the server makes of them. Secrets of blocks are
    never in it: an environment variable is named in their place, from which `apply` takes them. Flows and block types
    are written where --kind asks for them.
    """
    invocation = current(context)
    from pathlib import Path

    from podium.client.manifests.documents import documents_of
    from podium.client.manifests.inventory import Inventory

    kinds = known_kinds(kind)
    inventory = Inventory(invocation.client)
    documents: list[Document] = []
    with progress_bar(invocation, "Reading", QUICK) as step:
        for done, each_kind in enumerate(kinds):
            if step:
                step(each_kind, done, len(kinds))
            documents += documents_of(inventory, [each_kind])
    for each in inventory.skipped:
        if each.kind in kinds:
            invocation.diagnostics.warning(f"{each.kind} {each.name!r} is left out: {each.reason}.")
    if target is not None and target != "-":
        path = Path(target)
        try:
            written = (
                _into_folder(documents, path) if path.is_dir() or target.endswith("/") else _into_file(documents, path)
            )
        except OSError as error:
            raise Failure(f"{path} cannot be written: {error}") from None
        invocation.diagnostics.note(f"Wrote {len(documents):,} documents to {written}.")
        for file in _stale(documents, path, kinds) if path.is_dir() else ():
            invocation.diagnostics.warning(f"{file} is of nothing that is on the server; delete it, or apply makes it.")
    elif output in ("yaml", "json", "jsonl"):
        for text in _texts(documents, output):
            invocation.output.raw(text)
    else:
        rows = [{"kind": each.kind, "name": each.name} for each in documents]
        if output == "table":
            invocation.output.table(("kind", "name"), [(row["kind"], row["name"]) for row in rows])
        elif output == "name":
            invocation.output.data([{"name": f"{row['kind']}/{row['name']}"} for row in rows], output)
        else:
            invocation.output.data(rows, output)


def _texts(documents: list["Document"], output: str) -> list[str]:
    import msgspec

    from podium.client.manifests.documents import as_data
    from podium.client.yaml_text import yaml_text

    if output == "yaml":
        return [f"---\n{yaml_text(as_data(each))}" for each in documents]
    if output == "jsonl":
        return [msgspec.json.encode(as_data(each)).decode() + "\n" for each in documents]
    return [msgspec.json.format(msgspec.json.encode([as_data(each) for each in documents]), indent=2).decode() + "\n"]


def _into_file(documents: list["Document"], path: "Path") -> str:
    output = "json" if path.suffix == ".json" else "yaml"
    path.write_text("".join(_texts(documents, output)), "utf-8")
    return str(path)


def _into_folder(documents: list["Document"], folder: "Path") -> str:
    """A file for each document: ``deployment/etl/prod.yaml``."""
    for each in documents:
        file = _file_of(each, folder)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("".join(_texts([each], "yaml")).removeprefix("---\n"), "utf-8")
    return str(folder)


def _file_of(document: "Document", folder: "Path") -> "Path":
    parts = [_file_name(part) for part in document.name.split("/")]
    return folder.joinpath(document.kind, *parts[:-1], f"{parts[-1]}.yaml")


def _stale(documents: list["Document"], folder: "Path", kinds: list[str]) -> list["Path"]:
    """Files of an earlier export whose things are gone."""
    written = {_file_of(each, folder) for each in documents}
    return [file for kind in kinds for file in sorted((folder / kind).rglob("*.yaml")) if file not in written]


def _file_name(name: str) -> str:
    """A part of a name as one of a file: what not every file system takes is percent-encoded."""
    from urllib.parse import quote

    text = quote(name, safe=" ()+,=@[]")
    return text.replace(".", "%2E", 1) if text.startswith(".") or not text else text
