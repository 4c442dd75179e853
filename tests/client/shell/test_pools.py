"""What a run of a pool is run with."""

from types import SimpleNamespace
from typing import Any

import pytest

from podium.client.shell.command import BadCommand, Command, command_of
from podium.client.shell.pools import TEMPLATE, job_variables


def pool(template: dict[str, Any]) -> Any:
    return SimpleNamespace(base_job_template=template)


def test_a_command_says_its_variables_and_they_say_it() -> None:
    """As a deployment keeps it, in a pool of commands; what is usual is not written."""
    command = Command(argv=("sh", "-c", "{{ no_template }}"), env={"A": "{{ b }}"}, timeout=5, retries=2, retry_delay=1)
    deployment: Any = SimpleNamespace(job_variables=command.variables())
    run = SimpleNamespace(job_variables={"timeout": 7})
    assert set(command.variables()) == {"command", "env", "timeout", "retries", "retry_delay"}
    assert "env" not in command.variables(with_env=False)
    found = command_of(job_variables(pool(TEMPLATE), deployment, run))
    assert found == Command(argv=command.argv, env=command.env, timeout=7, retries=2, retry_delay=1)


def test_a_text_is_for_the_shell() -> None:
    """As it can be typed where there is one field."""
    assert command_of({"command": "echo $HOME | wc"}).argv == ("/bin/sh", "-c", "echo $HOME | wc")


@pytest.mark.parametrize("variables", [{}, {"command": []}, {"command": 5}, {"command": ["a"], "timeout": "x"}])
def test_variables_that_say_no_command_are_refused(variables: dict[str, Any]) -> None:
    """In a sentence."""
    with pytest.raises(BadCommand, match="do not say what to run"):
        command_of(variables)


def test_placeholders_inside_of_texts_are_filled() -> None:
    """As templates of other pools have them; unknown ones stay."""
    template = {"job_configuration": {"dir": "/srv/{{ name }}/{{ other }}"}, "variables": {"properties": {"name": {}}}}
    run = SimpleNamespace(job_variables={"name": "x"})
    assert job_variables(pool(template), None, run) == {"dir": "/srv/x/{{ other }}"}
