"""The types of workers that work pools can be made for, each with a base job template to start from."""

from functools import cache
from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("data") / "worker_types.json"


@cache
def worker_types() -> msgspec.Raw:
    """By package and type, as the view ``aggregate-worker-metadata`` shows them; read when first asked for."""
    return msgspec.Raw(FILE.read_bytes())
