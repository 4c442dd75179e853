"""Where the links in messages lead."""

import pytest

from podium.server.automations.context import ui_root
from tests.server.conftest import settings_for

SQLITE = "sqlite+aiosqlite:///unused.db"


@pytest.mark.parametrize(
    ("settings", "root"),
    [
        ({}, "http://127.0.0.1:4200"),
        ({"PODIUM_SERVER_BASE_PATH": "/podium"}, "http://127.0.0.1:4200/podium"),
        ({"PODIUM_API_URL": "https://flows.example/api"}, "https://flows.example"),
        ({"PODIUM_SERVER_UI_API_URL": "https://pages.example/api"}, "https://pages.example"),
        (
            {"PREFECT_UI_URL": "https://ui.example/", "PODIUM_API_URL": "https://flows.example/api"},
            "https://ui.example",
        ),
    ],
)
def test_links_lead_to_the_pages(settings: dict[str, str], root: str) -> None:
    """To the URL that is set for them, else to where the API is."""
    assert ui_root(settings_for(SQLITE, **settings)) == root
