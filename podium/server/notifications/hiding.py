"""Keeps secrets out of what is shown: errors and answers may repeat what was sent."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

from podium.profiles.masking import MASK

SHORTEST = 4
"""Shorter texts are no secrets, and replacing them would leave nothing to read."""

LONG_SEGMENT = 12
"""Segments of a secret URL's path that are as long may be its tokens."""

_SENSITIVE_HEADER = re.compile(r"auth|cookie|credential|key|passw|secret|session|signature|token", re.IGNORECASE)


def is_sensitive(header: str) -> bool:
    """Whether the value of a header is not to be shown."""
    return _SENSITIVE_HEADER.search(header) is not None


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def difference(data: Any, shown: Any) -> Iterator[str]:
    """The texts in a JSON value that are masked in another form of it."""
    if isinstance(data, dict) and isinstance(shown, dict):
        for name, value in data.items():
            yield from difference(value, shown.get(name))
    elif isinstance(data, list) and isinstance(shown, list):
        for value, counterpart in zip(data, shown, strict=False):
            yield from difference(value, counterpart)
    elif data != shown:
        yield from texts(data)


class Hidden:
    """The secrets of a delivery, in every form in which they may come back."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: list[str] = []
        self.add(secrets)

    def add(self, secrets: Iterable[str]) -> None:
        """Hides these as well."""
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST}
        self._forms = sorted(forms.union(self._forms), key=len, reverse=True)

    def hide(self, text: str) -> str:
        """The text with each secret in it masked; without NUL, which not every database holds."""
        for form in self._forms:
            text = text.replace(form, MASK)
        return text.replace("\x00", "")


def _forms(secret: str) -> Iterator[str]:
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield b64encode(secret.encode()).decode()
    if "://" in secret:
        try:
            parts = urlsplit(secret)
        except ValueError:
            return
        yield parts.path
        yield parts.query
        yield from (segment for segment in parts.path.split("/") if len(segment) >= LONG_SEGMENT)
