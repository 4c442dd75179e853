"""Copying what another server has."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from podium.client.manifests.documents import Document, Problem, documents_of
from podium.client.manifests.inventory import Inventory, Skipped
from podium.client.manifests.kinds import BLOCK_TYPE, BLOCKS, DEPLOYMENT, FLOW, KINDS, block_data


class Copy(NamedTuple):
    """What to make of another server's things, and what cannot be made."""

    documents: list[Document]
    skipped: list[Skipped]


Step = Callable[[str, int, int], None]
"""What is told while kinds are read: the kind, how many were read before it, of how many."""


def documents_to_copy(source: Inventory, target: Inventory, kinds: Sequence[str], progress: Step | None = None) -> Copy:
    """The documents of what the source has, with the secrets of blocks.

    With deployments come their flows, with blocks the types that the target lacks.
    """
    documents: list[Document] = []
    for done, kind in enumerate(kinds):
        if progress:
            progress(kind, done, len(kinds))
        documents += [_opened(source, each) for each in documents_of(source, [kind])]
    flows = {each.name.partition("/")[0] for each in documents if each.kind == DEPLOYMENT.name}
    if flows and not any(each.kind == FLOW.name for each in documents):
        documents += [each for each in documents_of(source, [FLOW.name]) if each.name in flows and each.spec["tags"]]
    documents += _types_for(source, target, [each for each in documents if each.kind == BLOCKS.name])
    return Copy(documents, list(source.skipped))


def _opened(source: Inventory, document: Document) -> Document:
    if document.kind != BLOCKS.name:
        return document
    data = BLOCKS.fields[1].form.told(block_data(source.rows(BLOCKS.name)[document.name]), source)
    return document._replace(spec={**document.spec, "data": data})


def _types_for(source: Inventory, target: Inventory, blocks: Collection[Document]) -> Iterator[Document]:
    """The types of these blocks that the target does not have, or not with the schemas that the blocks are of."""
    wanted: dict[str, set[str]] = {}
    for block in blocks:
        wanted.setdefault(block.name.partition("/")[0], set()).add(block.spec["schema"])
    known, schemas = target.rows(BLOCK_TYPE.name), target.rows("block-schema")
    for slug, checksums in wanted.items():
        if slug in known and checksums <= schemas.keys():
            continue
        spec = BLOCK_TYPE.told(source.rows(BLOCK_TYPE.name)[slug], source)
        needed = [each for each in spec["schemas"] if each["checksum"] in checksums]
        # A type that is there keeps its texts: it may be the server's own.
        yield Document(BLOCK_TYPE.name, slug, {"schemas": needed} if slug in known else {**spec, "schemas": needed})


def skipped_for(problems: Iterable[Problem], documents: Iterable[Document]) -> list[Skipped]:
    """The things of these documents that have problems."""
    about = {each.about: each for each in documents}
    return [
        Skipped(about[each.about].kind, about[each.about].name, each.reason) for each in problems if each.about in about
    ]


def by_default() -> list[str]:
    """The kinds that are told and copied unless some are asked for."""
    return [kind.name for kind in KINDS.values() if kind.by_default]
