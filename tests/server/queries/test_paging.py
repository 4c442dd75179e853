"""Limits and pages of lists."""

import pytest

from podium.server.errors import Invalid
from podium.server.queries.paging import checked_limit, read_page


@pytest.mark.parametrize(("limit", "rows"), [(None, 200), (0, 0), (15, 15), (200, 200)])
def test_a_limit_up_to_the_maximum_is_taken(limit: int | None, rows: int) -> None:
    """No limit is the maximum."""
    assert checked_limit(limit, 200) == rows


@pytest.mark.parametrize("limit", [-1, 201])
def test_a_limit_out_of_range_is_refused_in_words_the_client_knows(limit: int) -> None:
    """`prefect flow-run logs` looks for "Invalid limit"."""
    with pytest.raises(Invalid, match="Invalid limit"):
        checked_limit(limit, 200)


@pytest.mark.parametrize(
    ("limit", "page", "results", "pages"),
    [(2, 1, [0, 1], 3), (2, 3, [4], 3), (2, 4, [], 3), (5, 1, [0, 1, 2, 3, 4], 1), (0, 1, [], 0)],
)
def test_pages_count_from_one(limit: int, page: int, results: list[int], pages: int) -> None:
    """The last page may be short, the one behind it is empty."""
    everything = list(range(5))
    found = read_page(None, lambda tx, limit, offset: everything[offset:][:limit], lambda tx: 5, limit, page)  # type: ignore[arg-type,return-value]
    assert found == {"results": results, "count": 5, "limit": limit, "pages": pages, "page": page}
