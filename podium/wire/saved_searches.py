"""Saved searches of the pages."""

from typing import Any

from podium.wire.endpoint import Body, Endpoint
from podium.wire.parameters import Listing, Row


class SavedSearchFilter(Body):
    """A condition of a search, as the pages write it."""

    object: str
    property: str
    type: str
    operation: str
    value: Any


class SavedSearchCreate(Body):
    """A search to save under its name."""

    name: str
    filters: list[SavedSearchFilter] = []


class SavedSearch(Row):
    """A saved search."""

    name: str
    filters: list[SavedSearchFilter] = []


SAVE = Endpoint(
    method="PUT",
    path="/saved_searches/",
    summary="Save a search, in place of the one of its name",
    body=SavedSearchCreate,
    answer=SavedSearch,
    status=201,
    statuses=(200, 422),
    permission="edit",
)
READ = Endpoint(
    method="GET", path="/saved_searches/{id}", summary="Read a saved search", answer=SavedSearch, statuses=(404, 422)
)
FILTER = Endpoint(
    method="POST",
    path="/saved_searches/filter",
    summary="List saved searches",
    body=Listing,
    body_required=False,
    answer=list[SavedSearch],
    statuses=(422,),
)
DELETE = Endpoint(
    method="DELETE",
    path="/saved_searches/{id}",
    summary="Delete a saved search",
    status=204,
    statuses=(404, 422),
    permission="edit",
)
