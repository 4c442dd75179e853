"""`podium work-pool storage configure` stores what the incumbent's command does, and each reads the other's."""

import shlex
import subprocess
import sys
from typing import Any

from tests.e2e.conftest import Podium

LAUNCHERS = "--launcher python --launcher-arg=-X --launcher-arg utf8 --upload-launcher-arg=-v --execution-launcher uv"


def ours(podium: Podium, line: str) -> str:
    """What `podium <line>` prints."""
    command = [sys.executable, "-m", "podium", *shlex.split(line)]
    environ = {"PODIUM_API_URL": podium.url, "PODIUM_HOME": str(podium.home), "PATH": ""}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def stored(podium: Podium, pool: str) -> tuple[Any, Any]:
    """The storage of a pool, and the fields of the block that keeps its results."""
    storage = podium.get(f"/work_pools/{pool}")["storage_configuration"]
    block = podium.get(f"/block_documents/{storage.pop('default_result_storage_block_id')}")
    assert block["name"] == f"default-{pool}-result-storage"
    return storage, {name: block[name] for name in ("data", "block_schema_id", "block_document_references")}


def test_what_both_store(podium: Podium) -> None:
    """For each kind of storage, with credentials and without, anew and over what was there."""
    ours(podium, "block create aws-credentials --name prod --field aws_access_key_id=x")
    ours(podium, "block create gcp-credentials --name prod")
    ours(podium, "block create azure-blob-storage-credentials --name prod --field account_url=https://example.org")
    for pool in ("ours", "theirs"):
        ours(podium, f"work-pool create {pool}")
    lines = [
        "s3 {} --bucket one",
        "s3 {} --bucket two --aws-credentials-block-name prod",
        f"s3 {{}} --bucket three {LAUNCHERS}",
        "gcs {} --bucket one --gcp-credentials-block-name prod",
        "azure-blob-storage {} --container one --azure-blob-storage-credentials-block-name prod",
    ]
    script = "import json, sys\nfor line in sys.argv[1:]: prefect(line)\n"
    for line in lines:
        command = f"work-pool storage configure {line}"
        podium.console(script, command.format("theirs"))
        ours(podium, command.format("ours"))
        mine, theirs = (stored(podium, pool) for pool in ("ours", "theirs"))
        assert mine[0] == theirs[0]
        assert drop_ids(mine[1]) == drop_ids(theirs[1])
    read = podium.console('print(prefect("work-pool storage inspect ours -o json"))')
    told = ours(podium, "work-pool storage inspect ours -o json")
    for word in ("Azure Blob Storage", "prefect-azure", '"container": "one"'):
        assert word in read
        assert word in told


def drop_ids(block: Any) -> Any:
    """Without the ids that differ from block to block."""
    if isinstance(block, dict):
        return {key: drop_ids(each) for key, each in block.items() if key not in ("id", "created", "updated")}
    return block
