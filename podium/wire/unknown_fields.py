"""Which fields of a body nobody reads.

msgspec leaves out what a Struct does not declare and does not say so. A second pass reads the same bytes into twins of
the Structs, which refuse unknown fields and leave every value unread: about a microsecond for a usual body. Only where
one is refused is the body walked for their names.
"""

import functools
import operator
from typing import Any

import msgspec
import msgspec.inspect as kinds

_PLAIN: dict[type, Any] = {
    kinds.NoneType: None,
    kinds.StrType: str,
    kinds.IntType: int,
    kinds.FloatType: float,
    kinds.BoolType: bool,
    kinds.DictType: dict[str, msgspec.Raw],
    kinds.ListType: list[msgspec.Raw],
}


def twin_decoder(kind: Any) -> msgspec.json.Decoder[Any] | None:
    """Reads a body of type ``kind`` and raises ``DecodeError`` where it has unknown fields; None: it has no fields."""
    twin = _Twins().of(kinds.type_info(kind))
    return None if twin is msgspec.Raw else msgspec.json.Decoder(twin)


def unknown_fields(kind: Any, content: bytes) -> list[str]:
    """The dotted names of the fields in ``content`` that a body of type ``kind`` does not have, each once.

    A field of an object in a list is named without the number of the object. Of types that hold themselves only the
    outermost is looked into. Filters refuse unknown fields themselves.
    """
    try:
        value = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
    names: dict[str, None] = {}
    _walk(kinds.type_info(kind), value, "", frozenset(), names)
    return list(names)


class _Twins:
    """Makes the twin of a type; ``Raw`` for one without fields to look at."""

    def __init__(self) -> None:
        self._made: dict[type, Any] = {}

    def of(self, node: Any) -> Any:
        if isinstance(node, kinds.Metadata):
            return self.of(node.type)
        if isinstance(node, kinds.StructType):
            return self._struct(node)
        if isinstance(node, kinds.ListType):
            item = self.of(node.item_type)
            return msgspec.Raw if item is msgspec.Raw else list.__class_getitem__(item)
        if isinstance(node, kinds.UnionType):
            return self._union(node)
        return msgspec.Raw

    def _struct(self, node: kinds.StructType) -> Any:
        if node.cls not in self._made:
            self._made[node.cls] = msgspec.Raw
            fields = [(field.name, self.of(field.type), msgspec.field(default=None)) for field in node.fields]
            self._made[node.cls] = msgspec.defstruct(
                f"{node.cls.__name__}Twin",
                fields,
                kw_only=True,
                forbid_unknown_fields=True,
                tag_field=node.tag_field,
                tag=node.tag,
                rename={field.name: field.encode_name for field in node.fields},
            )
        return self._made[node.cls]

    def _union(self, node: kinds.UnionType) -> Any:
        """One whose members are told apart: with other objects or lists beside a Struct they would not be."""
        twins = [(each, self.of(each)) for each in node.types]
        if all(twin is msgspec.Raw for _, twin in twins):
            return msgspec.Raw
        chosen = [_PLAIN.get(type(each), msgspec.Raw) if twin is msgspec.Raw else twin for each, twin in twins]
        return msgspec.Raw if msgspec.Raw in chosen else functools.reduce(operator.or_, chosen)


def _walk(node: Any, value: Any, path: str, above: frozenset[type], names: dict[str, None]) -> None:
    if isinstance(node, kinds.Metadata):
        _walk(node.type, value, path, above, names)
    elif isinstance(node, kinds.UnionType):
        for each in node.types:
            if not isinstance(each, kinds.StructType) or _is_tagged(each, value):
                _walk(each, value, path, above, names)
    elif isinstance(node, kinds.ListType) and isinstance(value, list):
        for item in value:
            _walk(node.item_type, item, path, above, names)
    elif isinstance(node, kinds.StructType) and isinstance(value, dict) and node.cls not in above:
        known = {field.encode_name: field.type for field in node.fields}
        for name, each in value.items():
            if name in known:
                _walk(known[name], each, f"{path}{name}.", above | {node.cls}, names)
            elif name != node.tag_field:
                names[f"{path}{name}"] = None


def _is_tagged(node: kinds.StructType, value: Any) -> bool:
    return node.tag_field is None or (isinstance(value, dict) and value.get(node.tag_field) == node.tag)
