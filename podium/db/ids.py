"""Ids of the rows the server makes: time-ordered UUIDs (RFC 9562, version 7)."""

import os
import re
import threading
import time
import uuid

DEFAULT_WORKSPACE_ID = "00000000-0000-0000-0000-000000000001"

_is_canonical = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """A fresh version 7 UUID: 48 bits of Unix milliseconds, 12 bits of their fraction, 62 random bits.

    Each sorts after the one this process made before (RFC 9562, section 6.2, method 3): the order of ids is that of
    creation.
    """
    global _last
    ticks = time.time_ns() * 4096 // 1_000_000
    with _lock:
        _last = ticks = max(ticks, _last + 1)
    stamp = f"{ticks:015x}"
    random = os.urandom(8).hex()
    variant = "89ab"[int(random[0], 16) & 3]
    return f"{stamp[:8]}-{stamp[8:12]}-7{stamp[12:]}-{variant}{random[1:4]}-{random[4:]}"


def new_ids(count: int) -> list[str]:
    """Fresh version 7 UUIDs that sort in the order given: of one moment, counted up from a random number."""
    first = new_id()
    start = int.from_bytes(os.urandom(6)) >> 1
    tails = (f"{number:012x}" for number in range(start, start + count))
    return [first[:24] + tail for tail in tails]


def canonical_id(text: str) -> str | None:
    """The UUID that a text spells (in capitals, without dashes, …) as ids are stored; None when it spells none."""
    if _is_canonical(text):
        return text
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
