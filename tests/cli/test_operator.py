"""What an operator has to do in the morning, typed at a terminal of 80 columns and at one of 200, and looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import backing
from tests.cli.night import Night, spend
from tests.cli.processes import ServerProcess
from tests.cli.terminal import Absent, Terminal

pytestmark = pytest.mark.slow  # a person types; `make tour` runs it


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    home = tmp_path_factory.mktemp("server")
    with ServerProcess(home, backing.free_port()) as process:
        yield process.until_ready()


@pytest.fixture(scope="module", params=[(80, 24), (200, 50)], ids=["80x24", "200x50"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    found: tuple[int, int] = request.param
    return found


@pytest.fixture(scope="module")
def night(size: tuple[int, int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    home = tmp_path_factory.mktemp("server")
    with ServerProcess(home, backing.free_port()) as process:
        process.until_ready()
        spent = spend(f"{process.url}/api", home / ".podium" / "podium.db")
        yield spent
        spent.close()


@pytest.fixture
def terminal(tmp_path: Path, size: tuple[int, int], night: Night) -> Iterator[Terminal]:
    """A terminal whose profile names the server."""
    try:
        made = Terminal(tmp_path, *size)
    except Absent as absent:
        pytest.skip(str(absent))
    with made:
        made.run(f"podium config set PODIUM_API_URL={night.url}")
        yield made


def test_last_nights_failure(terminal: Terminal) -> None:
    """A list names it, its log says why, and its details whom to ask."""
    heading, found = terminal.table("podium flow-run ls --state failed --since yesterday")
    assert {"FLOW", "NAME", "STATE", "STARTED", "DURATION"} <= set(heading)
    assert {"load-orders", "nimble-otter", "Failed", "7h"} <= set(found)
    log = terminal.run("podium flow-run logs nimble-otter --level error")
    assert "OperationalError: could not connect to server" in log
    assert "Loaded page" not in log
    assert "Loaded page 40 of 40" in terminal.run("podium flow-run logs nimble-otter -t -n 4")
    details = terminal.run("podium flow-run inspect nimble-otter")
    for said in ("deployment: load-orders/nightly", '{"day":"2026-05-05"}', "message:    Flow run failed: could not"):
        assert said in details


def test_names_are_whole_in_a_long_list(terminal: Terminal, night: Night) -> None:
    """Whatever has to go to make room for them, and there is a next page."""
    heading, *rows = terminal.table("podium flow-run ls --until now")
    at = heading.index("NAME")
    names = {row[at] for row in rows if len(row) > at}
    assert names <= night.runs.keys()
    assert len(names) == 15
    assert "`--page 2` shows them" in rows[-1][0]


def test_why_a_run_is_late(terminal: Terminal) -> None:
    """The cause, and the command that does away with it, in one piece to be copied."""
    assert "slow-heron" in terminal.table("podium flow-run ls --state late")[1]
    seen = terminal.run("podium flow-run explain slow-heron").splitlines()
    assert seen[3] == "No worker of the work pool 'gpu' is online: none ever was. [no_worker]"
    assert seen[4] == "Fix: prefect worker start --pool gpu"


def test_everything_of_a_pool_is_paused(terminal: Terminal) -> None:
    """The pool itself, its deployments after a look at them; and how to see it."""
    assert "Paused work pool 'etl'." in terminal.run("podium work-pool pause etl")
    seen = terminal.run("podium deployment pause --pool etl", ("[y/N]", "y"))
    assert "load-orders/nightly\ntrain-model/weekly\nPause 2 deployments? [y/N]: y\n" in seen
    assert [row[:3] for row in terminal.table("podium work-pool ls --paused")[1:]] == [["etl", "process", "paused"]]
    paused = terminal.table("podium deployment ls --paused")
    assert [row[:2] for row in paused[1:]] == [["load-orders/nightly", "paused"], ["train-model/weekly", "paused"]]
    terminal.run("podium work-pool resume etl")
    terminal.run("podium deployment resume --all --yes")


def test_moving_to_the_staging_profile(terminal: Terminal, server: ServerProcess) -> None:
    """Made, filled, looked at with one command, and used from then on."""
    terminal.run("podium profile create staging")
    terminal.run(f"podium --profile staging config set PODIUM_API_URL={server.url}/api")
    assert len(terminal.table("podium --profile staging flow-run ls")) == 2
    assert "Profile 'staging' is active." in terminal.run("podium profile use staging")
    assert "*  staging" in terminal.run("podium profile ls")
    assert "There are no flow runs." in terminal.run("podium flow-run ls")
    assert "Did you mean staging?" in terminal.run("podium profile use stagin", code=3)
    assert len(terminal.table("podium --profile ephemeral work-pool ls")) > 2


def test_all_running_runs_of_a_flow_are_cancelled(terminal: Terminal, night: Night) -> None:
    """After a look at which these are; who answers no has done nothing."""
    names = {f"resizing-{number}" for number in range(3)}
    flow = "--flow resize-images --state running"
    heading, *rows = terminal.table(f"podium flow-run cancel {flow} --dry-run")
    assert {row[heading.index("NAME")] for row in rows[:-1]} == names
    assert rows[-1] == ["Would cancel 3 flow runs."]
    seen = terminal.run(f"podium flow-run cancel {flow}", ("Cancel 3 flow runs? [y/N]:", "n"), code=1)
    assert seen.endswith("Nothing was done.")
    assert {night.state(name) for name in names} == {"Running"}
    seen = terminal.run(f"podium flow-run cancel {flow}", ("Cancel 3 flow runs? [y/N]:", "y"))
    assert all(f"Cancelled flow run {name!r}; its process is told to stop." in seen for name in names)
    assert {night.state(name) for name in names} == {"Cancelling"}


def test_what_failed_in_the_last_two_hours_is_retried(terminal: Terminal, night: Night) -> None:
    """And nothing that failed before."""
    seen = terminal.run("podium flow-run retry --state failed --state crashed --since 2h", ("[y/N]:", "y"))
    assert "Retry 3 flow runs? [y/N]: y" in seen
    for number in range(3):
        assert f"Scheduled flow run 'lost-{number}'." in seen
        assert night.state(f"lost-{number}") == "AwaitingRetry"
    assert night.state("nimble-otter") == "Failed"
    typo = terminal.run("podium flow-run retry --state faild --since 2h")
    assert "There are no such flow runs.\nDid you mean --state failed by faild?" in typo


def test_who_holds_the_slots_of_a_limit(terminal: Terminal) -> None:
    """Of a tag the task runs with their flow runs, of a global limit whoever leased them."""
    assert terminal.table("podium concurrency-limit ls")[1][:2] == ["database", "2/2"]
    tagged = terminal.table("podium concurrency-limit inspect database")
    held = [row for row in tagged if row[0] == "task run"]
    assert [row[1:4] for row in held] == [["read-0", "training-0", "Running"], ["read-1", "training-1", "Running"]]
    named = terminal.table("podium gcl inspect warehouse")
    held = [row for row in named if row[0] == "flow run"]
    assert [row[1:4] for row in held] == [["training-0", "Running", "1"], ["training-1", "Running", "1"]]
    slots = terminal.run("podium work-pool slots etl")
    assert "Slots in use: 4/10" in slots
    assert "training-3" in slots


def test_a_variable_and_a_secret_are_rotated(terminal: Terminal, night: Night) -> None:
    """A variable never by accident; a secret from a file, and nobody sees it."""
    refused = terminal.run("podium variable set region us-east-1", code=6)
    assert "--overwrite changes it" in refused
    assert "Set variable 'region'." in terminal.run("podium variable set region us-east-1 --overwrite")
    assert terminal.run("podium variable get region").splitlines()[1:] == ["us-east-1"]
    (terminal.folder / "secret").write_text("new-canary\n")
    changed = terminal.run("podium block edit secret/warehouse --field value=@secret")
    assert changed.splitlines()[1:] == ["Changed value of block 'secret/warehouse'."]
    assert night.secret("warehouse") == "new-canary"
    shown = terminal.run("podium block inspect secret/warehouse")
    assert '{"value":"********"}' in shown
    assert "canary" not in shown


def test_a_queue_and_a_worker_are_drained(terminal: Terminal, size: tuple[int, int], night: Night) -> None:
    """The queue gives out nothing, the worker ends when its run has; what is left can be seen."""
    pool = f"shell-{size[0]}"
    folder = terminal.folder / "worker"
    folder.mkdir()
    with Terminal(folder, *size, PODIUM_API_URL=night.url) as beside:
        before = len(beside.codes)
        beside.type(f"podium worker start --pool {pool} --name one --every 0.5s")
        beside.until("serves work pool")
        name = f"sweep-{size[0]}"
        command = "sh -c 'echo begun; while [ ! -e go ]; do sleep 0.1; done'"
        made = terminal.run(f'podium schedule create --name {name} --cron "0 2 1 1 *" --pool {pool} -- {command}')
        assert f"`podium worker start --pool {pool}` runs it." in made
        terminal.run(f"podium deployment run {name}/{name} --flow-run-name the-last")
        beside.until("'the-last'")
        assert f"Paused work queue '{pool}/default'." in terminal.run(f"podium work-queue pause {pool}/default")
        terminal.run(f"podium deployment run {name}/{name} --flow-run-name left-behind")
        beside.press("C-c")
        beside.until("Waiting for 1 flow run to end")
        assert "the-last" in terminal.run(f"podium work-pool slots {pool}")
        (folder / "go").touch()
        assert beside.ended(before) == 130
        beside.keep(beside.history)
        assert "Worker 'one' has ended after 1 flow run." in beside.history
    assert "Completed" in terminal.run("podium flow-run wait the-last")
    why = terminal.run("podium flow-run explain left-behind").splitlines()
    assert why[3].endswith("[queue_paused]")
    assert f"Resumed work queue '{pool}/default'." in terminal.run(why[4].removeprefix("Fix: "))


def test_what_is_there_is_exported_changed_and_applied(terminal: Terminal) -> None:
    """The difference first, with an exit code for CI; a question; and nothing to do afterwards."""
    assert "documents to deploy." in terminal.run("podium export deploy/")
    assert "as they should be." in terminal.run("podium apply -f deploy/ --dry-run")
    file = terminal.folder / "deploy" / "deployment" / "load-orders" / "nightly.yaml"
    file.write_text(file.read_text().replace("0 3 * * *", "30 3 * * *"))
    told = "~ deployment 'load-orders/nightly'\n    schedules[0].schedule.cron: 0 3 * * * → 30 3 * * *\n1 to change, "
    assert told in terminal.run("podium apply -f deploy/ --dry-run", code=7)
    applied = terminal.run("podium apply -f deploy/", ("Apply? [y/N]:", "y"))
    assert told in applied
    assert "1 changed, " in applied.splitlines()[-1]
    assert "as they should be." in terminal.run("podium apply -f deploy/ --dry-run")
    assert "30 3 * * *" in terminal.run("podium deployment ls --flow load-orders")


def test_a_run_is_followed_and_left(terminal: Terminal, night: Night, size: tuple[int, int]) -> None:
    """Lines come as they are logged; Ctrl+C leaves the run alone; later its end is the exit code."""
    name = f"live-{size[0]}"
    deployment = night.api.get("/deployments/name/train-model/weekly").json()["id"]
    run = night.run(deployment, name, "PENDING", "RUNNING")
    night.say(run, 0, (20, "the first line"))
    terminal.clear()
    before = len(terminal.codes)
    terminal.type(f"podium flow-run logs -f {name}")
    terminal.until("the first line")
    night.say(run, 0, (30, "the second line"))
    terminal.until("WARNING  prefect.flow_runs: the second line")
    terminal.press("C-c")
    assert terminal.ended(before) == 130
    terminal.keep(terminal.history)
    assert terminal.history.splitlines()[-2:] == ["^C", "$"]
    assert night.state(name) == "Running"
    before = len(terminal.codes)
    terminal.clear()
    terminal.type(f"podium flow-run watch {name} --logs")
    terminal.until("the second line")
    failed = {"type": "FAILED", "message": "the disk is full"}
    night.post(f"/flow_runs/{run}/set_state", {"state": failed, "force": True})
    assert terminal.ended(before) == 1
    terminal.keep(terminal.history)
    assert f"Flow run {name!r} is Failed: the disk is full." in terminal.history
