"""How much of a list one answer holds."""

from collections.abc import Callable
from typing import Any

from podium.db.unit import Row, Tx
from podium.server.errors import Invalid


def checked_limit(limit: int | None, maximum: int) -> int:
    """The number of rows to answer: the maximum unless a smaller one is asked for.

    Raises ``Invalid`` for a negative limit or one above the maximum.
    """
    if limit is None:
        return maximum
    if not 0 <= limit <= maximum:
        raise Invalid(f"Invalid limit: {limit} is not between 0 and {maximum}.")
    return limit


def pages(count: int, limit: int) -> int:
    """How many pages of ``limit`` rows a list of ``count`` rows has; none where a page holds nothing."""
    return -(-count // limit) if limit else 0


def read_page(
    tx: Tx, rows: Callable[[Tx, int, int], list[Row]], total: Callable[[Tx], int], limit: int, page: int
) -> dict[str, Any]:
    """A page of a list, counted from 1, as ``{results, count, limit, pages, page}``.

    ``rows(tx, limit, offset)`` reads a stretch of the list, ``total(tx)`` counts all of it.
    """
    count = total(tx)
    return {
        "results": rows(tx, limit, (page - 1) * limit),
        "count": count,
        "limit": limit,
        "pages": pages(count, limit),
        "page": page,
    }
