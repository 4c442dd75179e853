"""The guides speak of what is there."""

import re

import pytest

from tests.architecture.sources import ROOT

PLACE = re.compile(r"`((?:podium|tests|bench|docs|deploy)/[\w./-]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)\)")
TARGET = re.compile(r"`make ((?:[a-z]+ ?)+)")


@pytest.mark.parametrize("guide", ["README.md", "CONTRIBUTING.md", "docs/architecture.md", "deploy/README.md"])
def test_every_place_a_guide_names_exists(guide: str) -> None:
    """Files and folders in backticks, and the targets of links."""
    text = (ROOT / guide).read_text("utf-8")
    links = [str((ROOT / guide).parent / link) for link in LINK.findall(text)]
    assert [place for place in [*PLACE.findall(text), *links] if not (ROOT / place).exists()] == []


def test_every_make_target_a_guide_names_exists() -> None:
    """`make …` in a guide can be typed as it stands."""
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    texts = [(ROOT / guide).read_text("utf-8") for guide in ("README.md", "CONTRIBUTING.md", "deploy/README.md")]
    named = {word for text in texts for words in TARGET.findall(text) for word in words.split()}
    assert named - known == set()
