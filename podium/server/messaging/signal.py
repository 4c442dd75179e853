"""A message that a unit of work leaves for the listeners of this moment."""

from typing import Any

import msgspec


class Signal(msgspec.Struct, frozen=True):
    """Given to ``tx.emit``, it is published on its topic after the commit; it is not stored."""

    topic: str
    message: Any
