"""What the clients noted, put together: who held how many slots of what, from when until when at least."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Span = tuple[float, float, int]
"""From when until when, and how many slots."""

FOREVER = float("inf")


@dataclass
class Grant:
    """What came of one request for slots."""

    sent: float
    until: float
    note: dict[str, Any]
    at: float | None = None
    ended: float = FOREVER
    gone: bool = False
    refused: bool = False
    slots: dict[str, int] = field(default_factory=dict)
    lease: str | None = None


def read(notes: Iterable[Path]) -> list[dict[str, Any]]:
    """All whole lines of the notes; the last one of a client that was killed may be cut off."""
    lines = (line for path in notes if path.exists() for line in path.read_bytes().split(b"\n"))
    return [json.loads(line) for line in lines if line.endswith(b"}")]


def grants(notes: Iterable[dict[str, Any]]) -> dict[str, Grant]:
    """The requests for slots by their key, with what became of them."""
    found: dict[str, Grant] = {}
    for note in notes:
        key, until = note["key"], note.get("until")
        if note["op"] == "take":
            found[key] = Grant(note["sent"], FOREVER if until is None else until, note)
        elif note["op"] == "got":
            found[key].at, found[key].slots, found[key].lease = note["at"], note.get("slots", {}), note.get("lease")
        elif note["op"] == "renewing":
            found[key].until = min(found[key].until, until)
        elif note["op"] == "renewed":
            found[key].until = until
        elif note["op"] == "end":
            found[key].ended = min(found[key].ended, note["at"])
        elif note["op"] in ("gone", "refused"):
            found[key].gone = True
            found[key].refused = note["op"] == "refused"
    return found


def spans(of: Iterable[Grant]) -> dict[str, list[Span]]:
    """For each limit when its slots were held for certain; what is held by one lease of a run counts once."""
    found: dict[str, list[Span]] = defaultdict(list)
    by_lease: dict[str, list[Grant]] = defaultdict(list)
    for grant in of:
        if grant.at is None:
            continue
        if grant.lease is not None:
            by_lease[grant.lease].append(grant)
        for name, slots in grant.slots.items():
            found[name].append((grant.at, min(grant.until, grant.ended), slots))
    for several in by_lease.values():
        began = min(grant.at or 0.0 for grant in several)
        until = min(max(grant.until for grant in several), min(grant.ended for grant in several))
        found["deployment"].append((began, until, 1))
    return found


def most_at_once(held: Iterable[Span]) -> int:
    """The highest number of slots that were held at the same moment."""
    changes = []
    for began, ended, slots in held:
        if ended > began:
            changes += [(began, slots), (ended, -slots)]
    most = used = 0
    for _, change in sorted(changes):
        used += change
        most = max(most, used)
    return most


def worst_burst(rates: Iterable[dict[str, Any]], per_second: float) -> float:
    """The most slots of a rate that were granted within any stretch of time, beyond what that time allows."""
    found = sorted((note["at"], note["sent"], note["slots"]) for note in rates)
    worst = 0.0
    for start in sorted({sent for _, sent, _ in found}):
        used = 0
        for at, sent, slots in found:
            if sent >= start:
                used += slots
                worst = max(worst, used - per_second * (at - start))
    return worst
