"""What the clients of a chaos run asked for and what they were told: a line of JSON for each note.

* ``replacing``: a deployment is about to get a schedule in place of any other; ``schedule``: it has it.
* ``run``, ``state``, ``log``, ``event``: an acknowledged write. ``started``: a run was given to a worker, to it alone;
  ``ended``: it is done with it.
* ``got``, ``gave``: a slot is held, and about to be given back.
* ``fault`` and ``healed``: a fault begins, has ended. ``ready``: what a process says of itself. ``round``: when a
  service last finished. ``slots``: the slots of the limit that are taken.
* ``bad``: an answer that must not be.
"""

import json
import threading
from collections import defaultdict
from pathlib import Path
from time import time
from typing import Any


class History:
    """Written by many threads; ``notes(op)`` reads back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a")
        self._lock = threading.Lock()

    def note(self, op: str, **values: Any) -> None:
        line = json.dumps({"op": op, "at": time(), **values})
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()

    def close(self) -> None:
        self._file.close()

    def read(self) -> dict[str, list[dict[str, Any]]]:
        """All notes by their kind, in order."""
        found = defaultdict(list)
        for line in self._path.read_text().splitlines():
            note = json.loads(line)
            found[note["op"]].append(note)
        return found
