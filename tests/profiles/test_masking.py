"""What is shown holds no password."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.profiles import mask, mask_url

CANARY = "canary"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://user:{CANARY}@host/name",
        f"postgresql://user@corp:{CANARY}@host/name",
        f"postgresql://user:p@{CANARY}/x@host/name",
        f"postgresql://user:a b {CANARY}@host",
        f"redis://:{CANARY}@host",
        f"https://{CANARY}@host/path",
        f"https://host/path?token={CANARY}",
        f"https://host/path?a=1&api_key={CANARY}&b=2",
        f"postgresql://host/name?sslpassword={CANARY}#x",
    ],
)
def test_passwords_and_tokens_in_urls_are_hidden(url: str) -> None:
    """Wherever in the URL they are."""
    assert CANARY not in mask_url(url)
    assert CANARY not in mask("PODIUM_API_URL", url)
    assert CANARY not in mask("PREFECT_SOMETHING_NEW", url)


@pytest.mark.parametrize("url", ["http://127.0.0.1:4200/api", "sqlite:////a/b@c.db", "memory://", "http://[::1]:4200"])
def test_urls_without_credentials_stay_as_they_are(url: str) -> None:
    """Nothing is hidden that helps."""
    assert mask_url(url) == url


@given(st.text(), st.text(min_size=1))
def test_a_password_is_hidden_whatever_it_is_made_of(user: str, password: str) -> None:
    """Also when somebody forgot to quote it."""
    assert mask_url(f"postgresql://{user.replace(':', '')}:{CANARY}{password}@host/name").count(CANARY) <= user.count(
        CANARY
    )


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("PODIUM_API_KEY", "********"),
        ("PREFECT_API_DATABASE_PASSWORD", "********"),
        ("server.database.connection_url", "********"),
        ("PREFECT_SOMETHING_NEW_TOKEN", "********"),
        ("PODIUM_SERVER_API_HOST", "value"),
        ("PREFECT_SOMETHING_NEW", "value"),
    ],
)
def test_secrets_are_hidden_whole(key: str, shown: str) -> None:
    """Known ones by their row, unknown ones by the sound of their name."""
    assert mask(key, "value") == shown


def test_an_empty_secret_is_shown_empty() -> None:
    """So that one sees that it is not set."""
    assert mask("PODIUM_API_KEY", "") == ""
