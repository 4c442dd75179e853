"""The order of tests that several processes share: what takes longest comes first, some of it in each of them.

`--dist worksteal` gives each process an equal stretch of the list, and who is done takes from the end of another's. So
nobody is alone at the end with a test of half a minute.
"""

from collections.abc import Sequence
from typing import TypeVar

Item = TypeVar("Item")

LONGEST = ("tests/chaos/", "tests/concurrency/", "tests/crash/", "tests/e2e/")


def spread(items: Sequence[tuple[str, Item]], processes: int) -> list[Item]:
    """Items with the paths of their files; those of a file stay together, and in their order."""
    files: dict[str, list[Item]] = {}
    short = []
    for path, item in items:
        if path.startswith(LONGEST):
            files.setdefault(path, []).append(item)
        else:
            short.append(item)
    stretches: list[list[Item]] = [[] for _ in range(processes)]
    for number, file in enumerate(files.values()):
        stretches[number % processes] += file
    placed = taken = 0
    for number, stretch in enumerate(stretches):
        room = max(0, (len(items) - placed) // (processes - number) - len(stretch))
        stretch += short[taken : taken + room]
        taken += room
        placed += len(stretch)
    return [*(item for stretch in stretches for item in stretch), *short[taken:]]
