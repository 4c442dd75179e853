"""Names for runs that were given none."""

import re

from podium.server.operations.names import run_name, run_names


def test_a_name_is_two_words() -> None:
    """Of lower-case letters, and hardly ever the same twice."""
    names = run_names(1000)
    assert all(re.fullmatch("[a-z]+-[a-z]+", name) for name in names)
    assert len(set(names)) > 950
    assert re.fullmatch("[a-z]+-[a-z]+", run_name())
    assert run_names(0) == []
