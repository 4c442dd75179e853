"""How a process connects to its database."""

from dataclasses import dataclass


@dataclass(slots=True)
class Options:
    """How to connect: times in seconds, sizes in connections."""

    timeout: float = 10.0
    connection_timeout: float = 5.0
    pool_size: int = 5
    max_overflow: int = 10
    pool_recycle: int = 3600
    pool_timeout: float = 30.0
    readers: int = 2
    synchronous: str = "NORMAL"
    echo: bool = False
    application_name: str = "podium"
    in_memory: bool = False
