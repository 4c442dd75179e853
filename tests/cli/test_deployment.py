"""`podium deployment create` and `edit`: by options, from files, over what is there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from podium.cli.diagnostics import ExitCode
from tests.cli.conftest import Podium
from tests.server.conftest import LiveServer


@pytest.fixture(autouse=True)
def _address(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_API_URL", server.url)


@pytest.fixture(autouse=True)
def _none_left(podium: Podium) -> Iterator[None]:
    podium("work-pool", "create", "fast")
    yield
    podium("deployment", "delete", "--all", "--yes")


def shown(podium: Podium, name: str) -> Any:
    return json.loads(podium("deployment", "inspect", name, "-o", "json").out)


def test_all_that_options_say(podium: Podium) -> None:
    """The flow is made as well; the row that is printed is the one that was made."""
    made = podium(
        *("deployment", "create", "etl/nightly", "--pool", "fast", "--queue", "high"),
        *("--entrypoint", "etl.py:etl", "--path", "/srv/etl", "--description", "All of it", "--version", "7"),
        *("--pull-steps", '[{"prefect.deployments.steps.set_working_directory": {"directory": "/srv/etl"}}]'),
        *("-p", "day=5", "--params", '{"day": 1, "who": "me"}', "--parameter-schema", '{"type": "object"}'),
        *("--no-enforce-parameter-schema", "-jv", "env.A=1", "-t", "eu", "-t", "night", "--paused"),
        *("--cron", "0 3 * * *", "--timezone", "Europe/Berlin", "--no-day-or"),
        *("--concurrency-limit", "2", "--collision-strategy", "CANCEL_NEW", "-o", "name"),
    )
    assert (made.code, made.out, made.err) == (0, "etl/nightly\n", "")
    found = shown(podium, "etl/nightly")
    (schedule,) = found["schedules"]
    assert schedule["schedule"] == {"cron": "0 3 * * *", "timezone": "Europe/Berlin", "day_or": False}
    assert found["global_concurrency_limit"]["limit"] == 2
    assert found["pull_steps"][0]["prefect.deployments.steps.set_working_directory"] == {"directory": "/srv/etl"}
    assert {
        "work_pool_name": "fast",
        "work_queue_name": "high",
        "entrypoint": "etl.py:etl",
        "path": "/srv/etl",
        "description": "All of it",
        "version": "7",
        "parameters": {"day": 5, "who": "me"},
        "parameter_openapi_schema": {"type": "object"},
        "enforce_parameter_schema": False,
        "job_variables": {"env.A": 1},
        "tags": ["eu", "night"],
        "paused": True,
        "concurrency_options": {"collision_strategy": "CANCEL_NEW", "grace_period_seconds": None},
    }.items() <= found.items()


def test_a_name_is_enough(podium: Podium) -> None:
    """Without a pool it is for whoever serves it; what to type next is said to people."""
    made = podium("deployment", "create", "served/one")
    assert made.code == 0
    assert "served/one" in made.out
    assert "podium deployment run served/one" in made.err
    found = shown(podium, "served/one")
    assert (found["work_pool_name"], found["schedules"], found["enforce_parameter_schema"]) == (None, [], True)


def test_the_pool_that_the_profile_names(podium: Podium) -> None:
    """As `work-pool create --set-as-default` sets it; an option wins over it."""
    podium("work-pool", "create", "usual", "--set-as-default")
    podium("deployment", "create", "etl/a")
    podium("deployment", "create", "etl/b", "--pool", "fast")
    assert [shown(podium, name)["work_pool_name"] for name in ("etl/a", "etl/b")] == ["usual", "fast"]


def test_one_that_is_there(podium: Podium) -> None:
    """It is left alone, or changed in what is given; its schedules stay where none is given."""
    podium("deployment", "create", "etl/a", "--interval", "1h", "-t", "old", "-p", "x=1", "--concurrency-limit", "3")
    before = shown(podium, "etl/a")
    again = podium("deployment", "create", "etl/a", "-t", "new")
    assert (again.code, again.out) == (ExitCode.CONFLICT, "")
    assert "--overwrite" in again.err
    assert shown(podium, "etl/a") == before
    assert podium("deployment", "create", "etl/a", "-t", "new", "--overwrite").code == 0
    after = shown(podium, "etl/a")
    assert (after["tags"], after["id"], after["parameters"]) == (["new"], before["id"], {"x": 1})
    assert [each["id"] for each in after["schedules"]] == [each["id"] for each in before["schedules"]]
    assert after["global_concurrency_limit"]["limit"] == 3
    podium("deployment", "create", "etl/a", "--cron", "0 3 * * *", "--concurrency-limit", "none", "--overwrite")
    after = shown(podium, "etl/a")
    assert [each["schedule"].get("cron") for each in after["schedules"]] == ["0 3 * * *"]
    assert after["global_concurrency_limit"] is None


def test_a_file_of_several(podium: Podium) -> None:
    """Each is tried; options go over all of them."""
    Path("all.yaml").write_text("""\
deployments:
- name: etl/a
  tags: [eu]
  schedules: [{schedule: {interval: 3600}, slug: hourly}]
- name: b
  flow_name: report
  work_pool_name: nowhere
- {name: etl/c, parameters: {x: 1}}
""")
    made = podium("deployment", "create", "-f", "all.yaml", "--description", "from a file", "-o", "json")
    assert made.code == ExitCode.NOT_FOUND
    assert "report/b" in made.err
    assert "nowhere" in made.err
    assert [(each["name"], each["description"]) for each in json.loads(made.out)] == [
        ("a", "from a file"),
        ("c", "from a file"),
    ]
    assert shown(podium, "etl/a")["schedules"][0]["slug"] == "hourly"
    assert podium("deployment", "create", "-f", "all.yaml", "--overwrite", "--pool", "fast").code == 0
    assert shown(podium, "report/b")["work_pool_name"] == "fast"


def test_a_copy_of_one(podium: Podium) -> None:
    """What `inspect` shows makes another like it, with its limit and without what is the server's own."""
    podium(
        "deployment",
        "create",
        "etl/a",
        "--pool",
        "fast",
        "--rrule",
        "FREQ=DAILY",
        "-p",
        "x=1",
        "--concurrency-limit",
        "3",
    )
    Path("a.yaml").write_text(podium("deployment", "inspect", "etl/a", "-o", "yaml").out)
    assert podium("deployment", "create", "other/b", "-f", "a.yaml").code == 0
    first, second = shown(podium, "etl/a"), shown(podium, "other/b")
    own = {"id", "name", "flow_id", "created", "updated", "labels", "schedules", "global_concurrency_limit"}
    assert {k: v for k, v in first.items() if k not in own} == {k: v for k, v in second.items() if k not in own}
    assert second["labels"] == {"prefect.flow.id": second["flow_id"]}
    assert second["schedules"][0]["schedule"] == first["schedules"][0]["schedule"]
    assert second["global_concurrency_limit"]["limit"] == 3
    assert second["global_concurrency_limit"]["id"] != first["global_concurrency_limit"]["id"]
    # And over itself it changes nothing.
    assert podium("deployment", "create", "etl/a", "-f", "a.yaml", "--overwrite").code == 0
    assert shown(podium, "etl/a")["global_concurrency_limit"]["limit"] == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Which deployment"),
        (["nightly"], "'nightly' is not FLOW/NAME"),
        (["etl/"], "is not FLOW/NAME"),
        (["etl/x", "--cron", "* * * * *", "--interval", "5"], "one of --cron"),
        (["etl/x", "--timezone", "Europe/Berlin"], "one of --cron"),
        (["etl/x", "--queue", "high"], "give --pool"),
        (["etl/x", "--pull-steps", "{}"], "Expected a list"),
        (["etl/x", "--parameter-schema", "[]"], "Expected an object"),
        (["etl/x", "--concurrency-limit", "few"], "neither a whole number nor none"),
        (["etl/x", "--cron", "every day"], "not a cron string"),
        (["-f", "missing.yaml"], "cannot be read"),
        (["-f", "documents.yaml"], "podium apply -f documents.yaml"),
        (["-f", "unknown.yaml"], "no field 'poool'"),
        (["etl/x", "-f", "two.yaml"], "2 deployments"),
    ],
)
def test_what_makes_no_deployment(podium: Podium, arguments: list[str], said: str) -> None:
    """One line, the code for usage, and nothing made."""
    Path("documents.yaml").write_text("kind: deployment\nname: etl/x\nspec: {}\n")
    Path("unknown.yaml").write_text("name: etl/x\npoool: fast\n")
    Path("two.yaml").write_text(yaml.safe_dump([{"name": "etl/x"}, {"name": "etl/y"}]))
    refused = podium("deployment", "create", *arguments)
    assert (refused.code, refused.out, refused.err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert said in refused.err
    assert podium("deployment", "ls", "-o", "name").out == ""


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--pool", "nowhere"], ExitCode.NOT_FOUND, "podium work-pool ls"),
        (["--cron", "every day"], ExitCode.USAGE, "not a cron string"),
    ],
)
def test_a_deployment_that_is_refused_leaves_no_flow(
    podium: Podium, arguments: list[str], code: ExitCode, said: str
) -> None:
    """Not even where the server is the one to refuse it."""
    flow = f"fresh{code.value}"
    refused = podium("deployment", "create", f"{flow}/x", *arguments)
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert podium("flow", "inspect", flow).code == ExitCode.NOT_FOUND
    assert podium("deployment", "create", f"{flow}/x", "--cron", "0 3 * * *").code == ExitCode.OK
    assert podium("flow", "inspect", flow).code == ExitCode.OK


def test_edit_changes_what_is_given(podium: Podium) -> None:
    """Parameters and variables that are not named stay."""
    podium("deployment", "create", "etl/a", "--pool", "fast", "-p", "x=1", "-jv", "a=1", "--path", "/old")
    changed = podium(
        *("deployment", "edit", "etl/a", "-p", "y=2", "-jv", "b=2", "--path", "/new", "--entrypoint", "a.py:f"),
        *("--collision-strategy", "ENQUEUE", "--concurrency-limit", "4"),
    )
    assert changed.code == 0, changed.err
    found = shown(podium, "etl/a")
    assert (found["parameters"], found["job_variables"]) == ({"x": 1, "y": 2}, {"a": 1, "b": 2})
    assert (found["path"], found["entrypoint"], found["work_pool_name"]) == ("/new", "a.py:f", "fast")
    assert found["global_concurrency_limit"]["limit"] == 4


def test_a_text_is_looked_for_in_the_names_of_flows_too(podium: Podium) -> None:
    for name in ("load-orders/nightly", "load-prices/hourly", "mail/orders-of-the-day"):
        podium("deployment", "create", name)
    found = podium("deployment", "ls", "--text", "orders", "-o", "name").out.split()
    assert found == ["load-orders/nightly", "mail/orders-of-the-day"]
