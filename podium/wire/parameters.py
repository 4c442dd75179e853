"""Shapes that many operations share: embedded parameters, rows and pages of rows."""

import msgspec

from podium.wire.endpoint import Answer, Body
from podium.wire.scalars import Id, Natural, OrDefault, PageNumber, Time


class Parameters(Body, omit_defaults=True):
    """Parameters embedded in one JSON object. Null for one of them stands for its default."""

    def __post_init__(self) -> None:
        """Put the default where null came for a parameter that has one."""
        defaults = self.__struct_defaults__
        names = self.__struct_fields__[len(self.__struct_fields__) - len(defaults) :]
        for name, default in zip(names, defaults, strict=True):
            if default is not None and default is not msgspec.NODEFAULT and getattr(self, name) is None:
                make = getattr(default, "factory", None)  # a list or dict is made anew each time
                setattr(self, name, make() if make else default)


class Listing(Parameters):
    """A stretch of a list. ``limit`` null is the server's own; the server refuses one out of range."""

    limit: int | None = None
    offset: OrDefault[Natural] = 0


class Paging(Parameters):
    """A page of a list, counted from 1."""

    limit: int | None = None
    page: OrDefault[PageNumber] = 1


class Row(Answer):
    """What every stored thing answers with."""

    id: Id
    created: Time | None
    updated: Time | None


class Page(Answer):
    """Where a page stands: ``count`` rows in all, ``pages`` of ``limit`` rows."""

    count: int
    limit: int
    pages: int
    page: int


class Deleted(Answer):
    """The ids a bulk deletion removed."""

    deleted: list[Id] = []


class Creator(Answer):
    """Who made or changed a row: a deployment's schedule, an automation, a user."""

    id: Id | None = None
    type: str | None = None
    display_value: str | None = None
