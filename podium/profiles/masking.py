"""Hiding credentials in what is shown."""

import re
from typing import Final

MASK: Final = "********"

_URL_PASSWORD: Final = re.compile(r"(://[^:]*):.*@", re.DOTALL)
_URL_TOKEN: Final = re.compile(r"(://)[^:/?#@]+@")
_QUERY: Final = re.compile(
    r"([?&;][^=&;#]*(?:passw|secret|token|key|auth|credential|sig)[^=&;#]*=)[^&;#]*", re.IGNORECASE
)
_SENSITIVE_NAME: Final = re.compile(r"PASSW|SECRET|TOKEN|KEY|AUTH|CREDENTIAL|HEADERS|CONN", re.IGNORECASE)


def mask_url(text: str) -> str:
    """The text with passwords and tokens inside a URL hidden."""
    if "://" not in text:
        return text
    text = _URL_PASSWORD.sub(rf"\1:{MASK}@", text)
    text = _URL_TOKEN.sub(rf"\1{MASK}@", text)
    return _QUERY.sub(rf"\1{MASK}", text)


def sounds_secret(name: str) -> bool:
    """Whether the values of an unknown name had better not be shown."""
    return _SENSITIVE_NAME.search(name) is not None
