"""Ids of the rows the server makes: time-ordered UUIDs (RFC 9562, version 7)."""

import os
import time
import uuid

DEFAULT_WORKSPACE_ID = "00000000-0000-0000-0000-000000000001"


def new_id() -> str:
    """A fresh version 7 UUID: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = os.urandom(10).hex()
    stamp = f"{milliseconds:012x}"
    variant = "89ab"[int(random[3], 16) & 3]
    return f"{stamp[:8]}-{stamp[8:]}-7{random[:3]}-{variant}{random[4:7]}-{random[7:19]}"


def new_ids(count: int) -> list[str]:
    """Fresh version 7 UUIDs that sort in the order given: of one millisecond, counted up from a random number."""
    first = new_id()
    start = int.from_bytes(os.urandom(6)) >> 1
    tails = (f"{number:012x}" for number in range(start, start + count))
    return [first[:24] + tail for tail in tails]


def canonical_id(text: str) -> str | None:
    """The UUID that a text spells (in capitals, without dashes, …) as ids are stored; None when it spells none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
