"""The numbers that processes of a server count, in memory that they share: whichever is asked tells those of all."""

import mmap
import os
import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final, get_args

from podium.db.engine import LOAD
from podium.server.events.event import Event
from podium.wire.catalogue import ENDPOINTS
from podium.wire.states import StateType

BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)
"""Upper bounds of the histogram's buckets, in seconds; the last bucket has none."""

CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
STATES: Final[tuple[str, ...]] = get_args(StateType)
OTHER: Final = len(ENDPOINTS)
"""The place of the requests that are for no operation of the API: pages, and paths that lead nowhere."""

_SUM = len(BUCKETS) + 1
_CLASSES = _SUM + 1
_CELL = _CLASSES + len(CLASSES)

_PID, _STARTED, _EVENTS, _IGNORED = range(4)
_LOAD = 4
_STATES = _LOAD + len(LOAD)
_REQUESTS = _STATES + len(STATES)
_WIDTH = _REQUESTS + (OTHER + 1) * _CELL

_FLOW_RUN = "prefect.flow-run."
_STATE_TYPE = "prefect.state-type"


class Figures:
    """What one process counts. Written on its event loop alone, read by any process of the board."""

    def __init__(self, board: "Board", name: str, numbers: "memoryview[float]") -> None:
        self.board = board
        self.name = name
        self.load = numbers[_LOAD : _LOAD + len(LOAD)]
        """The load of the process' ``Database``."""
        self._numbers = numbers

    def begin(self) -> None:
        """This process counts here from now on; what one before it counted stays, what it had under way is gone."""
        self._numbers[_PID] = os.getpid()
        self._numbers[_STARTED] = time.time()
        for place, name in enumerate(LOAD):
            if not name.endswith("_total"):
                self.load[place] = 0.0

    def count_request(self, operation: int, seconds: float, status: int) -> None:
        """A request was answered; ``operation`` is its place among the rows, or ``OTHER``."""
        numbers, cell = self._numbers, _REQUESTS + operation * _CELL
        numbers[cell + bisect_left(BUCKETS, seconds)] += 1.0
        numbers[cell + _SUM] += seconds
        numbers[cell + _CLASSES + status // 100 - 1] += 1.0

    def count_events(self, events: Sequence[Event]) -> None:
        """Events were stored, some of which tell of new states of flow runs."""
        self._numbers[_EVENTS] += len(events)
        for event in events:
            if event.event.startswith(_FLOW_RUN) and (state := event.resource.get(_STATE_TYPE)) in STATES:
                self._numbers[_STATES + STATES.index(state)] += 1.0

    def count_ignored(self, fields: int) -> None:
        """Fields of a body were ignored."""
        self._numbers[_IGNORED] += fields

    @property
    def pid(self) -> int:
        """The process that counts here; 0 where none began yet."""
        return int(self._numbers[_PID])

    @property
    def started(self) -> float:
        """When it began, in seconds since 1970."""
        return self._numbers[_STARTED]


class Board:
    """Room for the figures of so many processes, by their names; made before they are forked."""

    def __init__(self, names: Sequence[str]) -> None:
        self._numbers = memoryview(mmap.mmap(-1, _WIDTH * len(names) * 8)).cast("d")
        self.members = tuple(
            Figures(self, name, self._numbers[place * _WIDTH : (place + 1) * _WIDTH])
            for place, name in enumerate(names)
        )

    def member(self, name: str) -> Figures:
        """The figures of a process."""
        return next(member for member in self.members if member.name == name)

    @property
    def events(self) -> float:
        """Events stored by all processes."""
        return self._sum(_EVENTS)

    @property
    def ignored(self) -> float:
        """Fields of bodies that were ignored."""
        return self._sum(_IGNORED)

    def transitions(self) -> dict[str, float]:
        """How often a flow run came into a state of each type."""
        return {state: self._sum(_STATES + place) for place, state in enumerate(STATES)}

    def load(self, name: str) -> float:
        """One of the numbers of ``podium.db.engine.LOAD``, of all processes."""
        return self._sum(_LOAD + LOAD.index(name))

    def requests(self, operation: int) -> tuple[list[float], float, dict[str, float]]:
        """Of an operation: the requests in each bucket, their seconds together, and how many had each status."""
        cell = [self._sum(_REQUESTS + operation * _CELL + place) for place in range(_CELL)]
        return cell[:_SUM], cell[_SUM], dict(zip(CLASSES, cell[_CLASSES:], strict=True))

    def _sum(self, place: int) -> float:
        return sum(self._numbers[place::_WIDTH])
