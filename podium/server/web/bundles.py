"""Which built UIs a directory holds, and the path each is served under."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Version = Literal["v1", "v2"]

INDEX: Final = "index.html"
PAIRS: Final = (("v1", "v2"), ("ui", "ui-v2"))
"""Directories of the older and the newer UI side by side: as a server unpacks them, and as its package holds them."""

NEWER: Final = "/v2"
"""What the path of the newer UI adds to that of the older one; both find their settings by it."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A built single-page UI. ``base``: its path with a slash before it and none behind; empty at the root."""

    version: Version
    directory: Path
    base: str


def root_of(serve_base: str) -> str:
    """The path that the UIs share, written as a base."""
    return base_of(serve_base).removesuffix(NEWER)


def base_of(path: str) -> str:
    """A path with a slash before it and none behind; empty for the root."""
    return f"/{path.strip('/')}".rstrip("/")


def find_bundles(directory: str, serve_base: str) -> tuple[Bundle, ...]:
    """The UIs of a directory: one with an ``index.html``, or an older and a newer one in directories of their own.

    One alone is served at ``serve_base`` and counts as the newer one when its name ends in v2; of two the newer one is
    at ``/v2`` below.
    """
    found = Path(directory).expanduser().resolve()
    if (found / INDEX).is_file():
        version: Version = "v2" if found.name.endswith("v2") else "v1"
        return (Bundle(version, found, base_of(serve_base)),)
    root = root_of(serve_base)
    for older, newer in PAIRS:
        pair = (Bundle("v1", found / older, root), Bundle("v2", found / newer, root + NEWER))
        bundles = tuple(
            Bundle(each.version, each.directory.resolve(), each.base)
            for each in pair
            if (each.directory / INDEX).is_file()
        )
        if bundles:
            return bundles
    return ()
