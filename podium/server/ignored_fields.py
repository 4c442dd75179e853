"""Counts the fields of bodies that nobody reads, so that what newer clients send in vain can be seen."""

import logging
import re
from collections.abc import Sequence

logger = logging.getLogger("podium.server")

MOST_NAMES = 50
"""Names kept of one operation; a caller may make up any number."""

OTHER = "other"

_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


class IgnoredFields:
    """What this process ignored since it started: how many bodies had a field, by operation and name."""

    def __init__(self) -> None:
        self._counts: dict[str, dict[str, int]] = {}

    def note(self, operation: str, names: Sequence[str], client: str) -> list[str]:
        """Counts the fields of one body, and logs the first of each; the names, as far as they can be repeated."""
        counts = self._counts.setdefault(operation, {})
        kept: dict[str, None] = {}
        for name in names:
            name = self._kept(counts, name)
            if name in kept:
                continue
            kept[name] = None
            if name not in counts:
                logger.warning("%s ignores the field %s, which %r sends", operation, name, client[:100])
            counts[name] = counts.get(name, 0) + 1
        return list(kept)

    def counts(self) -> dict[str, dict[str, int]]:
        """The bodies that had a field, by operation and name."""
        return {operation: dict(counts) for operation, counts in self._counts.items()}

    @staticmethod
    def _kept(counts: dict[str, int], name: str) -> str:
        is_new = name not in counts and len(counts) >= MOST_NAMES
        return OTHER if is_new or not _NAME.fullmatch(name) else name
