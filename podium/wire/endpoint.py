"""A declared REST operation: one row for each, from which routing, validation, OpenAPI and the client are derived."""

import re
from typing import Any, Literal
from urllib.parse import quote

import msgspec

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Permission = Literal["open", "read", "operate", "edit", "admin"]

_PLACEHOLDER = re.compile(r"{(\w+)}")


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One REST operation.

    ``path`` is relative to the API's base and spelled as in the contract (placeholders, trailing slash). ``body`` is
    the type of the request's JSON, ``answer`` that of the response's: None for neither, ``NoneType`` for a JSON null.
    ``status`` is the usual success; ``statuses`` all the others the contract documents, ``further`` what it is refused
    with besides. ``query`` is the Struct of the query parameters. ``media`` is the response's media type. ``headers``
    are the request's headers that it heeds, ``problems`` the shapes of refusals that are not the usual one, by status.
    """

    method: Method
    path: str
    summary: str
    body: Any = None
    answer: Any = None
    query: Any = None
    status: int = 200
    statuses: tuple[int, ...] = ()
    further: tuple[int, ...] = ()
    permission: Permission = "read"
    body_required: bool = True
    media: str = "application/json"
    headers: tuple[str, ...] = ()
    problems: dict[int, tuple[type, ...]] = {}
    deprecated: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The placeholders of the path, in order."""
        return tuple(_PLACEHOLDER.findall(self.path))

    @property
    def ids(self) -> tuple[str, ...]:
        """The placeholders that take a UUID; any other text there is no route."""
        return tuple(name for name in self.names if name == "id" or (name.endswith("_id") and name != "resource_id"))

    def url(self, **values: object) -> str:
        """The path with its placeholders filled in (values are percent-encoded)."""
        return _PLACEHOLDER.sub(lambda match: _quoted(str(values[match[1]])), self.path)


def _quoted(text: str) -> str:
    """One segment of a path; dots alone are a way upwards, which HTTP clients take before they send."""
    return text.replace(".", "%2E") if text in (".", "..") else quote(text, safe="")


class Body(msgspec.Struct, kw_only=True):
    """The body of a create or update, or a set of embedded parameters: unknown fields are ignored."""


class Patch(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The body of a partial update: a field that was not sent is ``UNSET``, null is a value of its own."""

    def sent(self) -> dict[str, Any]:
        """The fields that were sent, by name."""
        pairs = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in pairs if value is not msgspec.UNSET}


class Filter(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A filter object: unknown keys are refused, since ignoring one would widen what matches."""


class Answer(msgspec.Struct, kw_only=True):
    """What an endpoint answers; the client reads it, the server's rows are tested against it."""
