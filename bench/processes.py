"""CPU time and memory of a process and its descendants, from /proc (Linux)."""

import os
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
LISTEN = "0A"


def tree(pid: int) -> list[int]:
    """The process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                children.setdefault(int(_fields(int(entry.name))[1]), []).append(int(entry.name))
    found = [pid]
    for each in found:
        found.extend(children.get(each, []))
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time spent by the tree so far, its finished children included."""
    ticks = 0
    for each in tree(pid):
        with suppress(OSError):
            ticks += sum(int(value) for value in _fields(each)[11:15])
    return ticks / TICKS


def memory(pid: int) -> tuple[float, float]:
    """Memory of the tree in MB: its proportional share of pages (PSS), and what is resident (RSS)."""
    pss = rss = 0
    for each in tree(pid):
        with suppress(OSError):
            for line in (PROC / str(each) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    pss += int(line.split()[1])
                elif line.startswith("Rss:"):
                    rss += int(line.split()[1])
    return pss / 1024, rss / 1024


def listener(port: int) -> int | None:
    """The top process of the tree that listens on a port of this machine, where it is ours to see."""
    sockets = {f"socket:[{inode}]" for inode in _listening(port)}
    owners = set()
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                if any(str(link.readlink()) in sockets for link in (entry / "fd").iterdir()):
                    owners.add(int(entry.name))
    tops = [pid for pid in owners if int(_fields(pid)[1]) not in owners]
    return min(tops) if tops else None


def _listening(port: int) -> set[str]:
    inodes = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(fields[9])
    return inodes


def _fields(pid: int) -> list[str]:
    """What follows the command's name in /proc/<pid>/stat: state, parent, …, utime (11) to cstime (14)."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
