"""What no text of a body may be, whatever its field: with a NUL, or a name longer than an index takes.

PostgreSQL stores neither, SQLite both; refused here, the databases answer alike. JSON whose keys are free (parameters,
results, payloads) is kept as it came and not looked into, nor are texts whose NUL characters are left out when they
are stored. A filter may look for a name of any length: nothing has it.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec.inspect as kinds

from podium.wire.decoding import BadBody, Path

LONGEST_NAME = 2000
"""Bytes (UTF-8) of a name. PostgreSQL's indexes take 2704 bytes for all columns of one together."""

NUL = b"\\u0000"
"""How JSON writes it: there is no other way."""

CLEANED = {"LogCreate": {"name", "message"}, "StateCreate": {"message"}}
"""Texts whose NUL characters are left out."""

_INDEXED = re.compile(r"(?:.*_)?(?:name|names|key|slug|tag|tags|checksum|event|version|owner_resource)")

Check = Callable[[Any, Path], None]
_checks: dict[tuple[Any, bool], Check | None] = {}


def check_texts(kind: Any, value: Any, content: bytes) -> None:
    """Raises ``BadBody`` when a text of the value, decoded from ``content`` as ``kind``, is none that can be stored.

    A body without ``NUL`` that is no longer than ``LONGEST_NAME`` has none.
    """
    if NUL in content:
        _run(kind, value, nul=True)
    if len(content) > LONGEST_NAME:
        _run(kind, value, nul=False)


def _run(kind: Any, value: Any, nul: bool) -> None:
    key = (kind, nul)
    if key not in _checks:
        _checks[key] = _Compiler(nul).check_of(kind)
    check = _checks[key]
    if check is not None:
        check(value, ("body",))


class _Compiler:
    """Makes, of a type, the function that looks at those texts of its values that matter."""

    def __init__(self, nul: bool) -> None:
        self._nul = nul
        self._structs: dict[type, dict[str, Check]] = {}

    def check_of(self, kind: Any) -> Check | None:
        return self._node(kinds.type_info(kind), "")

    def _node(self, node: Any, name: str) -> Check | None:
        if isinstance(node, kinds.Metadata):
            return self._node(node.type, name)
        if isinstance(node, kinds.StrType):
            return self._text(name)
        if isinstance(node, kinds.ListType | kinds.VarTupleType):
            return _each(self._node(node.item_type, name))
        if isinstance(node, kinds.DictType):
            return self._dict(node, name)
        if isinstance(node, kinds.StructType):
            return self._struct(node)
        if isinstance(node, kinds.UnionType):
            return self._union(node, name)
        return None

    def _text(self, name: str) -> Check | None:
        if self._nul:
            return _no_nul
        return _short if _INDEXED.fullmatch(name) else None

    def _dict(self, node: Any, name: str) -> Check | None:
        value = self._node(node.value_type, name)
        if not self._nul or isinstance(node.value_type, kinds.AnyType):
            return None

        def check(found: Any, path: Path) -> None:
            if isinstance(found, dict):
                for key, each in found.items():
                    _no_nul(key, (*path, key))
                    if value is not None:
                        value(each, (*path, key))

        return check

    def _struct(self, node: Any) -> Check | None:
        kind = node.cls
        if not self._nul and node.forbid_unknown_fields:
            return None
        if kind not in self._structs:
            checks = self._structs[kind] = {}
            for field in node.fields:
                check = None if field.name in CLEANED.get(kind.__name__, ()) else self._node(field.type, field.name)
                if check is not None:
                    checks[field.name] = check
        checks = self._structs[kind]
        if not checks:
            return None

        def check_fields(found: Any, path: Path) -> None:
            if isinstance(found, kind):
                for name, check in checks.items():
                    check(getattr(found, name), (*path, name))

        return check_fields

    def _union(self, node: Any, name: str) -> Check | None:
        checks = [check for check in (self._node(each, name) for each in node.types) if check is not None]

        def check_any(found: Any, path: Path) -> None:
            for check in checks:
                check(found, path)

        return check_any if len(checks) > 1 else checks[0] if checks else None


def _each(check: Check | None) -> Check | None:
    if check is None:
        return None

    def check_items(found: Any, path: Path) -> None:
        if isinstance(found, list | tuple):
            for position, item in enumerate(found):
                check(item, (*path, position))

    return check_items


def _no_nul(found: Any, path: Path) -> None:
    if isinstance(found, str) and "\x00" in found:
        raise BadBody([_detail("value_error", path, "A text cannot have NUL characters", found)])


def _short(found: Any, path: Path) -> None:
    if isinstance(found, str) and len(found) * 4 > LONGEST_NAME and len(found.encode()) > LONGEST_NAME:
        message = f"A name has at most {LONGEST_NAME} bytes"
        raise BadBody([_detail("string_too_long", path, message, f"{found[:100]}…")])


def _detail(kind: str, path: Path, message: str, given: str) -> dict[str, Any]:
    return {"type": kind, "loc": list(path), "msg": message, "input": given}
