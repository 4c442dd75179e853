"""Documents: YAML or JSON that says of a thing its ``kind``, its ``name`` and its ``spec``."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from podium.client.manifests.inventory import Inventory
from podium.client.manifests.kind import Spec
from podium.client.manifests.kinds import KINDS

SUFFIXES: Final = (".yaml", ".yml", ".json")
_KEYS: Final = ("kind", "name", "spec")


class Document(NamedTuple):
    """A declared thing. ``place`` is where it was read, ``marks`` where its fields are."""

    kind: str
    name: str
    spec: Spec
    place: str = ""
    marks: Mapping[str, str] = {}

    @property
    def about(self) -> str:
        """Its kind and name as they are read."""
        return f"{KINDS[self.kind].words if self.kind in KINDS else self.kind} {self.name!r}"


class Problem(NamedTuple):
    """What is wrong with a document: where, with which thing, and why."""

    place: str
    about: str
    reason: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.about, self.reason) if part)


class _Part(NamedTuple):
    """A value of a file and the place of each of its keys, by the path of the key."""

    value: Any
    place: str
    marks: Mapping[str, str]


def files_of(path: Path) -> list[Path]:
    """The files to read for a path: itself, or all that are below a folder, in the order of their names."""
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())


def parsed(text: str, source: str) -> tuple[list[Document], list[Problem]]:
    """The documents in a text, which may have several, or a list of them, and what is wrong with the others."""
    documents, problems = [], []
    try:
        parts = list(_json(text, source) if source.endswith(".json") else _yaml(text, source))
    except ValueError as error:
        return [], [Problem(source, "", str(error))]
    for part in parts:
        found = _document(part)
        if isinstance(found, Document):
            documents.append(found)
        else:
            problems.append(found)
    return documents, problems


def _json(text: str, source: str) -> Iterator[_Part]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"this is not JSON: {error}") from None
    for number, each in enumerate(value if isinstance(value, list) else [value], 1):
        yield _Part(each, f"{source}, document {number}", {})


def _yaml(text: str, source: str) -> Iterator[_Part]:
    with _loading(text) as loader:
        while loader.check_node():
            node = loader.get_node()
            items = node.value if node.id == "sequence" else [node]
            for item in items:
                marks: dict[str, str] = {}
                _mark(item, "", source, marks)
                value = msgspec.to_builtins(loader.construct_document(item), str_keys=True)
                if value is not None:
                    yield _Part(value, f"{source}:{item.start_mark.line + 1}", marks)


def yaml_value(text: str) -> Any:
    """The one value of a text of YAML; moments stay text. Raises ValueError, which names the line."""
    with _loading(text) as loader:
        return msgspec.to_builtins(loader.get_single_data(), str_keys=True)


@contextmanager
def _loading(text: str) -> Iterator[Any]:
    """Reads YAML. Raises ValueError for what is none, here and where it is used."""
    # Loaded on use, and not needed for JSON.
    import yaml

    class Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # whichever there is
        """Moments stay text, as in JSON; a value of any other kind of tag is refused."""

    Loader.yaml_implicit_resolvers = {
        first: [each for each in resolvers if each[0] != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    loader = Loader(text)
    try:
        yield loader
    except (yaml.YAMLError, RecursionError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        raise ValueError(f"{line}this is not YAML: {getattr(error, 'problem', None) or error}") from None
    finally:
        loader.dispose()


def _mark(node: Any, path: str, source: str, marks: dict[str, str], depth: int = 2) -> None:
    """Note the lines of the keys of a mapping, and of those of its spec."""
    for key, value in node.value if depth and node.id == "mapping" else ():
        name = f"{path}{key.value}"
        marks[name] = f"{source}:{key.start_mark.line + 1}"
        _mark(value, f"{name}.", source, marks, depth - 1)


def _document(part: _Part) -> Document | Problem:
    """The document, or the first thing that is wrong with its outside."""
    value, place = part.value, part.place
    if not isinstance(value, dict):
        return Problem(place, "", "expected a document with kind, name and spec")
    kind, name, spec = (value.get(key) for key in _KEYS)
    about = f"{kind} {name!r}" if isinstance(kind, str) and isinstance(name, str) else ""
    for key in value:
        if key not in _KEYS:
            return Problem(
                part.marks.get(key, place), about, f"there is no field {key!r}; a document has {_listed(_KEYS)}"
            )
    if kind not in KINDS:
        said = "no kind is given" if kind is None else f"there is no kind {kind!r}"
        return Problem(part.marks.get("kind", place), "", f"{said}; known are {_listed(KINDS)}")
    if not isinstance(name, str) or not name:
        return Problem(part.marks.get("name", place), str(kind), "expected a name")
    if spec is not None and not isinstance(spec, dict):
        return Problem(part.marks.get("spec", place), about, "expected a spec with fields")
    known = KINDS[str(kind)].field_names
    for field in spec or ():
        if field not in known:
            return Problem(
                part.marks.get(f"spec.{field}", place), about, f"there is no spec.{field}; known are {_listed(known)}"
            )
    return Document(str(kind), name, spec or {}, place, part.marks)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def twice(documents: Sequence[Document]) -> list[Problem]:
    """Those that are said more than once."""
    first: dict[tuple[str, str], Document] = {}
    problems = []
    for each in documents:
        before = first.setdefault((each.kind, each.name), each)
        if before is not each:
            problems.append(Problem(each.place, each.about, f"it is in {before.place} already"))
    return problems


def documents_of(inventory: Inventory, kinds: Iterable[str]) -> Iterator[Document]:
    """The documents of what is on a server, by kind and name."""
    for name in kinds:
        kind = KINDS[name]
        rows = inventory.rows(name)
        for each in sorted(rows):
            yield Document(name, each, kind.told(rows[each], inventory))


def as_data(document: Document) -> dict[str, Any]:
    """A document as it is written."""
    return {"kind": document.kind, "name": document.name, "spec": document.spec}
