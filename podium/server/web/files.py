"""The files of a built UI, as a browser gets them: typed, named by their content's age, the base path filled in."""

import gzip
import mimetypes
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from podium.server.web.bundles import Bundle

PLACEHOLDER: Final = b"/PREFECT_UI_SERVE_BASE_REPLACE_PLACEHOLDER"
"""What a built UI holds where its base path belongs."""

FOR_EVER: Final = "public, max-age=31536000, immutable"
ASK_AGAIN: Final = "no-cache"

SMALLEST = 500
"""Below this many bytes compressing does not pay."""

CACHED_FILES = 512

# Builders name a file by a hash of what it holds: assets/index-B-oNxJUg.js, main.8f3c1a2b.css.
_HASHED = re.compile(r"assets/.*[-.](?=[a-z_-]*[A-Z0-9])[A-Za-z0-9_-]{8}\.\w+$|.*[-.][0-9a-f]{8,64}\.\w+$")

# Not left to the machine's tables, which differ: a module of another type is not run.
_MEDIA: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml",
    ".ico": "image/x-icon",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
}
_WRITTEN: Final = frozenset(
    (".html", ".js", ".mjs", ".css", ".json", ".map", ".webmanifest", ".svg", ".txt", ".xml", ".wasm")
)
_WITH_BASE: Final = frozenset((".html", ".js", ".mjs", ".css", ".json", ".webmanifest"))


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it is answered. ``content`` is gzipped when ``compressed``."""

    content: bytes
    compressed: bool
    media: str
    tag: str
    modified: str
    caching: str


def find_file(bundle: Bundle, path: str) -> Path | None:
    """The file below the bundle that a decoded URL path names; None for what is none, is hidden or lies elsewhere."""
    parts = path.split("/")
    if "\0" in path or any(part.startswith(".") for part in parts):
        return None
    found = bundle.directory.joinpath(*[part for part in parts if part])
    try:
        found = found.resolve()
        inside = found.is_relative_to(bundle.directory) and found.is_file()
    except OSError:
        return None
    return found if inside else None


def read_file(bundle: Bundle, path: Path) -> Document:
    """A file of the bundle; read again once it changed. Raises OSError."""
    status = path.stat()
    return _read(bundle, path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=CACHED_FILES)
def _read(bundle: Bundle, path: Path, modified: int, size: int) -> Document:
    content = path.read_bytes()
    kind = path.suffix.lower()
    if kind in _WITH_BASE:
        content = content.replace(PLACEHOLDER, bundle.base.encode())
    compressed = kind in _WRITTEN and len(content) >= SMALLEST
    moment = datetime.fromtimestamp(modified // 1_000_000_000, UTC)
    return Document(
        content=gzip.compress(content, mtime=0) if compressed else content,
        compressed=compressed,
        media=_MEDIA.get(kind) or mimetypes.guess_type(path.name)[0] or "application/octet-stream",
        tag=f'W/"{modified:x}-{size:x}"',
        modified=format_datetime(moment, usegmt=True),
        caching=FOR_EVER if _HASHED.match(path.relative_to(bundle.directory).as_posix()) else ASK_AGAIN,
    )
