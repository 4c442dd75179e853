"""What the system says of a process of this server (Linux; elsewhere nothing)."""

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Usage:
    """Resident memory in bytes, open file descriptors, seconds of processor time."""

    memory: int
    descriptors: int
    cpu: float


def usage_of(pid: int) -> Usage | None:
    """The usage of a process; None where it is gone or the system does not tell."""
    place = Path(f"/proc/{pid}")
    try:
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        pages = int((place / "statm").read_text().split()[1])
        descriptors = sum(1 for _ in (place / "fd").iterdir())
    except (OSError, IndexError):
        return None
    ticks = int(fields[11]) + int(fields[12])
    return Usage(pages * os.sysconf("SC_PAGE_SIZE"), descriptors, ticks / os.sysconf("SC_CLK_TCK"))
