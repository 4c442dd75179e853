"""Where the runs of a work pool put their results and the code that is sent with them: what a pool stores of it.

The names of blocks, steps and their arguments are those that the incumbent's client gives and looks for.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from podium.client.errors import NotFound
from podium.client.nouns import blocks
from podium.client.nouns.choosing import Missing
from podium.client.nouns.noun import endpoint

if TYPE_CHECKING:
    from podium.client.api import Client


_IN_NAMES = re.compile("[a-z0-9-]+")
"""What names of blocks are made of; those of pools may have anything in them."""


class Storage(NamedTuple):
    """A kind of storage. ``place`` is what its steps call a bucket, ``field`` what its block does."""

    name: str
    told: str
    place: str
    field: str
    block: str
    credentials: str
    credentials_field: str
    credentials_name: str
    package: str
    data: Mapping[str, Any] = {}
    needs_credentials: bool = False

    def step(self, verb: str, place: str, credentials: str | None, launcher: Sequence[str] | None) -> dict[str, Any]:
        """What uploads or executes code that is kept there; a launcher brings the package itself."""
        named = {self.credentials_name: credentials} if credentials else {}
        by = {"requires": self.package} if launcher is None else {"launcher": list(launcher)}
        return {f"{self.package.replace('-', '_')}.experimental.bundles.{verb}": {self.place: place, **named, **by}}


STORAGES = (
    Storage(
        name="s3",
        told="S3",
        place="bucket",
        field="bucket_name",
        block="s3-bucket",
        credentials="aws-credentials",
        credentials_field="credentials",
        credentials_name="aws_credentials_block_name",
        package="prefect-aws",
        data={"bucket_folder": "results"},
    ),
    Storage(
        name="gcs",
        told="GCS",
        place="bucket",
        field="bucket",
        block="gcs-bucket",
        credentials="gcp-credentials",
        credentials_field="gcp_credentials",
        credentials_name="gcp_credentials_block_name",
        package="prefect-gcp",
        data={"bucket_folder": "results"},
    ),
    Storage(
        name="azure-blob-storage",
        told="Azure Blob Storage",
        place="container",
        field="container_name",
        block="azure-blob-storage-container",
        credentials="azure-blob-storage-credentials",
        credentials_field="credentials",
        credentials_name="azure_blob_storage_credentials_block_name",
        package="prefect-azure",
        needs_credentials=True,
    ),
)


def configure(
    client: "Client",
    pool: Any,
    storage: Storage,
    place: str,
    credentials: str | None,
    launchers: tuple[Sequence[str] | None, Sequence[str] | None],
) -> str:
    """Have the runs of a pool use a bucket; the `type/name` of the block that keeps their results.

    ``credentials`` is the name of a block; without one, whoever runs a run has its own. ``launchers`` are the commands
    that upload and execute, where they are not those of the package. Raises NotFound for blocks that are not there.
    """
    upload, execute = launchers
    kept = _results(client, pool, storage, place, credentials)
    body = {
        "bundle_upload_step": storage.step("upload", place, credentials, upload),
        "bundle_execution_step": storage.step("execute", place, credentials, execute),
        "default_result_storage_block_id": kept.id,
    }
    client.call(endpoint("work_pools.UPDATE"), {"storage_configuration": body}, name=pool.name)
    return blocks.path_of(kept, {})


def _results(client: "Client", pool: Any, storage: Storage, place: str, credentials: str | None) -> Any:
    """The block that keeps results there, made or changed; fields that somebody set besides stay."""
    reference: dict[str, Any] = {}
    if credentials is not None:
        found = blocks.find(client, f"{storage.credentials}/{credentials}")
        reference = {"$ref": {"block_document_id": found.id}}
    data = {storage.field: place, **storage.data, storage.credentials_field: reference}
    name = f"default-{pool.name.lower() if _IN_NAMES.fullmatch(pool.name.lower()) else pool.id}-result-storage"
    try:
        kept = blocks.find(client, f"{storage.block}/{name}")
    except NotFound:
        kind = blocks.find_type(client, storage.block)
        schema = blocks.schema_of(client, kind)
        if schema is None:
            raise Missing("schema of the block type", storage.block, "block type") from None
        body = {"name": name, "data": data, "block_type_id": kind.id, "block_schema_id": schema.id}
        return client.call(endpoint("block_documents.CREATE"), body)
    client.call(endpoint("block_documents.UPDATE"), {"data": data}, id=kept.id)
    return kept


def described(client: "Client", pool: Any) -> dict[str, Any]:
    """The kind of storage, how code is uploaded and executed, and which block keeps results; empty for none."""
    stored = pool.storage_configuration
    steps = {"upload": stored.bundle_upload_step, "execution": stored.bundle_execution_step}
    found = {verb: next(iter(step.values())) for verb, step in steps.items() if step}
    told: dict[str, Any] = {"type": _kind(steps.values())} if found else {}
    told |= found
    if block_id := stored.default_result_storage_block_id:
        told["results"] = blocks.path_of(blocks.find(client, str(block_id)), {})
    return told


def _kind(steps: Any) -> str:
    """The kind that the names of functions tell."""
    functions = [name for step in steps for name in step or ()]
    for storage in STORAGES:
        if any(storage.package.replace("-", "_") in name for name in functions):
            return storage.told
    return "Unknown"
