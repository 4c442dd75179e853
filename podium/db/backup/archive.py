"""The file of a backup: a ZIP of ``tables/<name>.jsonl``, a row a line, and of ``manifest.json``.

A line is a JSON array of the values of the columns that the manifest names, written alike whatever database they come
from: moments as microseconds since 1970, JSON values as the text that they are stored as. ``key`` holds the key of the
block documents where the database keeps it in a file. So any tool that reads ZIP and JSON can read a backup.
"""

import hashlib
import os
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Final, Literal

import msgspec

from podium.db.errors import BackupDamaged, BackupExists

FORMAT: Final = "podium-backup"
VERSION: Final = 1
MANIFEST: Final = "manifest.json"
KEY: Final = "key"
LEVEL: Final = 1
"""Of the compression: higher ones take four times as long for a tenth less."""

BLOCK = 1 << 20

Kind = Literal["id", "text", "json", "time", "boolean", "integer", "number"]


class Column(msgspec.Struct, frozen=True):
    """A column of a table, and how its values are written."""

    name: str
    kind: Kind


class TableEntry(msgspec.Struct, frozen=True):
    """A table: its columns in the order of the values of a line, and what its lines are to be compared with.

    ``times``: the first and last moment, in microseconds, of a table that is kept in partitions by time.
    """

    name: str
    columns: list[Column]
    rows: int
    bytes: int
    sha256: str
    times: tuple[int, int] | None = None


class KeyEntry(msgspec.Struct, frozen=True):
    """What the backup holds of the keys of block documents.

    ``held``: ``file`` in the member ``key``, ``database`` in a row of ``configuration``, ``no``. ``settings``: there
    were keys in PODIUM_SERVER_ENCRYPTION_KEY, which a backup never holds. ``fingerprints`` are of all of them.
    """

    documents: int
    held: Literal["file", "database", "no"]
    settings: bool
    fingerprints: list[str]


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds. ``started`` and ``taken``: the moments between which the state lies that it is of."""

    format: str
    version: int
    podium: str
    database: str
    revision: str
    started: datetime
    taken: datetime
    key: KeyEntry
    tables: list[TableEntry]

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(table.rows for table in self.tables)


class Lines:
    """The lines of a table on their way, counted and hashed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.rows = 0
        self.bytes = 0

    def write(self, lines: bytes, count: int) -> None:
        """Writes ``count`` lines, each with its end."""
        self._stream.write(lines)
        self._hash.update(lines)
        self.bytes += len(lines)
        self.rows += count

    def entry(self, name: str, columns: list[Column], times: tuple[int, int] | None) -> TableEntry:
        """What the manifest says of them."""
        return TableEntry(name, columns, self.rows, self.bytes, self._hash.hexdigest(), times)


class Writer:
    """Writes an archive."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *about: object) -> None:
        self._zip.close()

    @contextmanager
    def table(self, name: str) -> Iterator[Lines]:
        """Takes the lines of a table."""
        with self._zip.open(_private(_member(name)), "w", force_zip64=True) as stream:
            yield Lines(stream)

    def key(self, key: str) -> None:
        """Keeps the key of a file."""
        self._zip.writestr(_private(KEY), f"{key}\n")

    def finish(self, manifest: Manifest) -> None:
        """Writes what an archive is read by; without it the file is none."""
        self._zip.writestr(_private(MANIFEST), msgspec.json.format(msgspec.json.encode(manifest)))


def _member(table: str) -> str:
    return f"tables/{table}.jsonl"


def _private(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    info._compresslevel = LEVEL  # type: ignore[attr-defined]  # public only from Python 3.13 on
    return info


@contextmanager
def new_file(file: Path, *, replace: bool = False) -> Iterator[tuple[Path, IO[bytes]]]:
    """A private folder beside ``file``, and what is written in it; ``file`` is there once all is on disk, and whole.

    Raises ``BackupExists`` where it is there already, unless it may be replaced.
    """
    if not replace and os.path.lexists(file):
        raise BackupExists(f"{file} exists; name another file, or give --force to replace it")
    with tempfile.TemporaryDirectory(prefix=".podium-", dir=file.parent) as name:
        folder = Path(name)
        draft = folder / file.name
        with open(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as stream:  # noqa: PTH123
            yield folder, stream
            stream.flush()
            os.fsync(stream.fileno())
        if replace:
            draft.replace(file)
        else:
            _link(draft, file)
    _keep_name(file.parent)


def _link(draft: Path, file: Path) -> None:
    """Gives the draft its name; another file that came by that name meanwhile stays."""
    try:
        os.link(draft, file)
    except FileExistsError:
        raise BackupExists(f"{file} was made meanwhile; name another file") from None
    except OSError:  # a file system without hard links
        draft.rename(file)


def _keep_name(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Reader:
    """Reads an archive. Raises ``BackupDamaged`` for what is none, and where it does not hold what it should."""

    def __init__(self, file: Path) -> None:
        self.file = file
        try:
            self._zip = zipfile.ZipFile(file)
            content = self._zip.read(MANIFEST)
        except (zipfile.BadZipFile, KeyError, EOFError) as error:
            raise BackupDamaged(f"{file}: not a backup of Podium, or not all of one: {_reason(error)}") from None
        self.manifest = self._read_manifest(content)

    def close(self) -> None:
        """Closes the file."""
        self._zip.close()

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, *about: object) -> None:
        self.close()

    def _read_manifest(self, content: bytes) -> Manifest:
        try:
            if msgspec.json.decode(content, type=_Version).version > VERSION:
                raise BackupDamaged(f"{self.file}: written by a newer Podium; restore it with that one")
            return msgspec.json.decode(content, type=Manifest)
        except msgspec.DecodeError as error:
            raise BackupDamaged(f"{self.file}: its manifest cannot be read: {error}") from None

    def key(self) -> str | None:
        """The key that the archive holds in a member of its own."""
        if self.manifest.key.held != "file":
            return None
        try:
            return self._zip.read(KEY).decode("ascii").strip()
        except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
            raise BackupDamaged(f"{self.file}: the key is damaged: {_reason(error)}") from None

    def lines(self, table: TableEntry) -> Iterator[list[bytes]]:
        """The lines of a table, some at a time; after the last it is clear that all came and none was changed."""
        found, count, size = hashlib.sha256(), 0, 0
        try:
            for block in self._blocks(_member(table.name)):
                found.update(block)
                lines = block.splitlines()
                count, size = count + len(lines), size + len(block)
                yield lines
        except (zipfile.BadZipFile, KeyError, EOFError, OSError) as error:
            raise BackupDamaged(f"{self.file}: table {table.name} is damaged: {_reason(error)}") from None
        except Exception as error:
            if type(error).__module__ != "zlib":
                raise
            raise BackupDamaged(f"{self.file}: table {table.name} is damaged: {_reason(error)}") from None
        if (count, size, found.hexdigest()) != (table.rows, table.bytes, table.sha256):
            raise BackupDamaged(f"{self.file}: table {table.name} does not hold what was written into it")

    def _blocks(self, member: str) -> Iterator[bytes]:
        """Whole lines, as many as come in a block."""
        rest = b""
        with self._zip.open(member) as stream:
            while block := stream.read(BLOCK):
                whole, end, tail = block.rpartition(b"\n")
                if end:
                    yield rest + whole + end
                    rest = tail
                else:
                    rest += block
        if rest:
            yield rest


class _Version(msgspec.Struct):
    format: Literal["podium-backup"]
    version: int


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def sizes(tables: Iterable[TableEntry]) -> int:
    """The bytes of the lines of tables together."""
    return sum(table.bytes for table in tables)
