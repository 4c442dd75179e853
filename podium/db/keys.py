"""Where the key is that block documents are encrypted with, beside the settings: in a file or in a row."""

import hashlib
from pathlib import Path

KEY_ROW = "ENCRYPTION_KEY"
"""The row of ``configuration`` that holds a key: ``{"fernet_key": …}``."""


def key_file(database: str | Path) -> Path:
    """The file of the key of a SQLite database."""
    return Path(f"{database}.key")


def fingerprint(key: str) -> str:
    """What tells keys apart and gives none away."""
    return hashlib.sha256(f"podium:{key}".encode()).hexdigest()
