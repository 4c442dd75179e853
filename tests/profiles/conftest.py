"""What tests of settings share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from podium.profiles import Resolved, resolve

Resolve = Callable[..., Resolved]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project directory."""
    directory = tmp_path / "project"
    directory.mkdir()
    return directory


@pytest.fixture
def settle(home: Path, project: Path) -> Resolve:
    """Resolve settings of a process with just this environment, in the project directory."""

    def settle(
        environ: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None, profile: str | None = None
    ) -> Resolved:
        return resolve(flags, {"HOME": str(home), **(environ or {})}, profile, project)

    return settle


@pytest.fixture
def profiles_file(home: Path) -> Path:
    """Where the profile file is, if a test writes one."""
    directory = home / ".podium"
    directory.mkdir()
    return directory / "profiles.toml"
