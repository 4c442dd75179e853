"""What tests of commands share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from podium.cli.app import main
from tests import migrated
from tests.server.conftest import LiveServer, settings_for


class Result(NamedTuple):
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


Podium = Callable[..., Result]


@pytest.fixture
def podium(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Podium:
    """Run `podium` in an empty directory: `podium("config", "view").out`."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.delenv("PREFECT_HOME")

    def podium(*arguments: str) -> Result:
        capsys.readouterr()
        code = main(arguments)
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return podium


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server that the tests of a module share, without background services: nothing fires, nothing gets late."""
    url = migrated.sqlite(tmp_path_factory.mktemp("database"))
    with LiveServer(settings_for(url), with_services=False) as live:
        yield live
