"""What the settings and their guide promise is so."""

import ast
import re
from typing import Any

import pytest

from podium.profiles.registry import BY_NAME, CLIENTS_OWN, SETTINGS
from podium.profiles.without_effect import WITHOUT_EFFECT, has_effect
from podium.server.services.registry import SERVICES
from tests.architecture.sources import ROOT, parsed, python_files

GUIDES = ("README.md", "CONTRIBUTING.md", "docs/settings.md", "docs/compatibility.md", "docs/architecture.md")
NAME = re.compile(r"\b(?:PODIUM|PREFECT)(?:_[A-Z0-9]+)+\b(?!_)")
OF_THE_TESTS = {"PODIUM_TEST_POSTGRES_URL", "PODIUM_TEST_REDIS_URL", "PODIUM_TEST_KILLS"}
BUILT_INTO_THE_URL = {f"server.database.{part}" for part in ("driver", "host", "port", "user", "password", "name")}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_setting_that_a_guide_names_exists(guide: str) -> None:
    """Each name in it can be typed as it stands; ``PODIUM_…_`` with dots behind stands for several."""
    named = set(NAME.findall((ROOT / guide).read_text("utf-8")))
    assert named - BY_NAME.keys() - CLIENTS_OWN - OF_THE_TESTS == set()


def test_the_guide_lists_what_has_no_effect() -> None:
    """The list in the guide is the one that `podium config explain` looks at."""
    text = (ROOT / "docs" / "settings.md").read_text("utf-8").partition("## Accepted and without effect")[2]
    names = {f"PODIUM_{path.upper().replace('.', '_')}" + ("" if path in SETTINGS else "_…") for path in WITHOUT_EFFECT}
    assert set(re.findall(r"`(PODIUM_[^`]+)`", text)) == names


def test_every_other_setting_is_read_somewhere() -> None:
    """A setting that does nothing says so; one that does something does not say that it does nothing."""
    nodes = [node for path in python_files("podium") for node in ast.walk(parsed(path))]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    by_path = {node.args[0].value for node in nodes if _asks_for_one(node)}
    by_services = {f"server.services.{each.section}.{each.period}" for each in SERVICES}
    unread = {
        path
        for path in SETTINGS.keys() - by_services - by_path - BUILT_INTO_THE_URL
        if path.rpartition(".")[2] not in read and has_effect(path)
    }
    assert unread == set()
    assert {path for path in by_services if not has_effect(path)} == set()


def _asks_for_one(node: Any) -> bool:
    """Whether it is ``….value("path.of.a.setting")``."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "value"
    return called and len(node.args) == 1 and isinstance(node.args[0], ast.Constant)


def test_what_has_no_effect_is_a_setting_or_a_section() -> None:
    """Nothing that is gone stays in the list."""
    known = {*SETTINGS, *(path.rsplit(".", depth)[0] for path in SETTINGS for depth in range(1, path.count(".") + 1))}
    assert set(WITHOUT_EFFECT) <= known
