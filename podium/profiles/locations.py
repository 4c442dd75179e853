"""Where Podium keeps its files, and how `~` and `${PODIUM_HOME}` in values are filled in."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from podium.profiles.errors import SettingsError

DEFAULT_HOME: Final = "~/.podium"
_PLACEHOLDER: Final = re.compile(r"\$\{(?:PODIUM|PREFECT)_HOME\}|\$(?:PODIUM|PREFECT)_HOME\b")
_SQLITE_TILDE: Final = re.compile(r"(sqlite(?:\+\w+)?:///)(~(?:/|$))")


def home_directory(environ: Mapping[str, str], written: str | Path | None = None) -> Path:
    """The directory of profiles and the SQLite file: `written`, else PODIUM_HOME, else `~/.podium`."""
    return absolute(Path(str(written or environ.get("PODIUM_HOME") or DEFAULT_HOME)), environ)


def absolute(path: Path, environ: Mapping[str, str]) -> Path:
    """The path with `~` filled in, from the root. Raises SettingsError when there is no home directory."""
    if str(path).startswith("~") and environ.get("HOME") and str(path)[1:2] in {"", "/"}:
        path = Path(environ["HOME"], str(path)[2:])
    try:
        return path.expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise SettingsError(f"{path}: {error} Set PODIUM_HOME.") from None


def fill(text: str, home: Path) -> str:
    """The text with every spelling of `${PODIUM_HOME}` replaced by the home directory."""
    return _PLACEHOLDER.sub(lambda _: str(home), text) if "$" in text else text


def fill_url(url: str, home: Path, environ: Mapping[str, str]) -> str:
    """A database URL with `${PODIUM_HOME}` and the `~` of a SQLite file filled in."""
    url = fill(url, home)
    return _SQLITE_TILDE.sub(lambda found: f"{found[1]}{absolute(Path('~'), environ)}/", url) if "~" in url else url
