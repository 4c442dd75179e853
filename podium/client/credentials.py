"""How a request says who sends it."""

from base64 import b64encode


def authorization(auth_string: str | None, api_key: str | None) -> dict[str, str]:
    """The header for an auth string, which wins, or a key."""
    if auth_string:
        return {"Authorization": f"Basic {b64encode(auth_string.encode()).decode()}"}
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}
