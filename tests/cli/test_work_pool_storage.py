"""`podium work-pool storage`: what it says, and what it refuses (tests/e2e compares what it stores)."""

import json
from collections.abc import Iterator

import pytest

from podium.cli.diagnostics import ExitCode
from tests.cli.conftest import Podium
from tests.server.conftest import LiveServer

CONFIGURE = ("work-pool", "storage", "configure")


@pytest.fixture(autouse=True)
def _address(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_API_URL", server.url)


@pytest.fixture
def pool(podium: Podium) -> Iterator[str]:
    podium("work-pool", "create", "fast")
    yield "fast"
    podium("work-pool", "delete", "fast", "--yes")
    podium("block", "delete", "--type", "s3-bucket", "--yes")


def test_a_pool_without_storage(podium: Podium, pool: str) -> None:
    """There is nothing to print."""
    shown = podium("work-pool", "storage", "inspect", pool)
    assert (shown.code, shown.out) == (0, "")
    assert "no storage" in shown.err
    assert podium("work-pool", "storage", "inspect", pool, "-o", "json").out == "{}\n"


def test_storage_is_shown(podium: Podium, pool: str) -> None:
    """What holds for upload and execution is told once; programs get both."""
    assert podium(*CONFIGURE, "s3", pool, "--bucket", "results").code == 0
    table = podium("work-pool", "storage", "inspect", pool).out
    assert table.splitlines() == [
        "type:     S3",
        "bucket:   results",
        "requires: prefect-aws",
        "results:  s3-bucket/default-fast-result-storage",
    ]
    data = json.loads(podium("work-pools", "storage", "inspect", pool, "-o", "json").out)
    assert data["upload"] == data["execution"] == {"bucket": "results", "requires": "prefect-aws"}
    podium(*CONFIGURE, "s3", pool, "--bucket", "results", "--upload-launcher", "python", "--upload-launcher-arg", "-X")
    table = podium("work-pool", "storage", "inspect", pool).out
    assert "upload.launcher:    python -X\n" in table
    assert "execution.requires: prefect-aws\n" in table


def test_fields_that_somebody_set_besides_stay(podium: Podium, pool: str) -> None:
    """Only the bucket and its credentials are changed when it is configured again."""
    block = "s3-bucket/default-fast-result-storage"
    podium(*CONFIGURE, "s3", pool, "--bucket", "one")
    podium("block", "edit", block, "--field", "bucket_folder=mine", "--field", "extra=1")
    podium(*CONFIGURE, "s3", pool, "--bucket", "two", "-o", "name")
    data = json.loads(podium("block", "inspect", block, "-o", "json").out)["data"]
    assert (data["bucket_name"], data["extra"]) == ("two", 1)


def test_a_pool_whose_name_cannot_be_one_of_a_block(podium: Podium) -> None:
    """Its id stands in the name of the block."""
    name = "Fast pool_2"
    podium("work-pool", "create", name)
    made = podium(*CONFIGURE, "gcs", name, "--bucket", "one", "-o", "json")
    assert made.code == 0, made.err
    assert json.loads(made.out)["results"].startswith("gcs-bucket/default-0")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["s3", "fast"], ExitCode.USAGE, "--bucket"),
        (["azure-blob-storage", "fast"], ExitCode.USAGE, "--container"),
        (["azure-blob-storage", "fast", "--container", "x"], ExitCode.USAGE, "--azure-blob-storage-credentials-block"),
        (["s3", "nowhere", "--bucket", "x"], ExitCode.NOT_FOUND, "work pool 'nowhere'"),
        (
            ["s3", "fast", "--bucket", "x", "--aws-credentials-block-name", "no"],
            ExitCode.NOT_FOUND,
            "aws-credentials/no",
        ),
        (["s3", "fast", "--bucket", "x", "--launcher-arg", "y"], ExitCode.USAGE, "needs --launcher"),
        (["s3", "fast", "--bucket", "x", "--upload-launcher-arg", "y"], ExitCode.USAGE, "needs --upload-launcher"),
        (["s3", "fast", "--bucket", "x", "--launcher", " "], ExitCode.USAGE, "--launcher: An empty word"),
    ],
)
def test_refusals(podium: Podium, pool: str, arguments: list[str], code: ExitCode, said: str) -> None:
    """Nothing is stored, neither of the pool nor as a block."""
    refused = podium(*CONFIGURE, *arguments)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert podium("work-pool", "storage", "inspect", pool, "-o", "json").out == "{}\n"
    assert podium("block", "ls", "--type", "s3-bucket", "-o", "name").out == ""
