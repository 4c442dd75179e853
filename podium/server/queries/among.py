"""Constant queries for the rows that have one of some keys, quick for few keys."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, or_

from podium.db.prepared import Prepared
from podium.db.unit import Row, Tx

FEW = 8
"""Up to how many keys the statement is kept prepared, one for each number of keys."""


class Among:
    """A query whose column is one of the keys it is given; few keys take the way of ``Prepared``."""

    __slots__ = ("_column", "_prepared", "_query")

    def __init__(self, query: Select[Any], column: ColumnElement[Any]) -> None:
        self._query = query
        self._column = column
        self._prepared: dict[int, Prepared] = {}

    def rows(self, tx: Tx, keys: Sequence[str], **named: Any) -> list[Row]:
        """The rows for these keys; ``named`` are the query's other parameters."""
        count = len(keys)
        if count == 0:
            return []
        if count > FEW:
            return tx.all(self._query.where(self._column.in_(keys)), named)
        prepared = self._prepared.get(count)
        if prepared is None:
            wanted = [self._column == bindparam(f"key_{place}", type_=self._column.type) for place in range(count)]
            prepared = self._prepared[count] = Prepared(self._query.where(or_(*wanted)))
        return tx.all(prepared, {f"key_{place}": key for place, key in enumerate(keys)}, **named)
