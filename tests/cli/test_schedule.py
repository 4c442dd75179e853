"""`podium schedule` and `podium worker`: commands on a schedule, end to end, without the `prefect` client."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.processes import ServerProcess
from tests.cli.shell import Shell, until

SETTINGS = {
    "PODIUM_SERVER_SERVICES_ZOMBIES_LOOP_SECONDS": "1",
    "PODIUM_SERVER_SERVICES_ZOMBIES_HEARTBEAT_INTERVAL_SECONDS": "1",
    "PODIUM_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "1",
    "PODIUM_SERVER_SERVICES_SCHEDULER_RECENT_DEPLOYMENTS_LOOP_SECONDS": "1",
    "PODIUM_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
}
WORKER = ("worker", "start", "--pool", "shell", "--every", "0.2s", "--heartbeat", "0.5")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With services, whose patience is short."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with ServerProcess(tmp_path_factory.mktemp("home"), port, **SETTINGS) as process:
        process.until_ready()
        yield process


@pytest.fixture
def shell(tmp_path: Path, server: ServerProcess) -> Iterator[Shell]:
    made = Shell(tmp_path, f"{server.url}/api")
    yield made
    made.close()


def schedule(shell: Shell, name: str, *options: str, script: str) -> None:
    """A command in a pool named as it is, to be run by hand."""
    made = shell.run("schedule", "create", "--name", name, "--pool", name, *options, "--", "sh", "-c", script)
    assert made.returncode == 0, made.stderr


def start_run(shell: Shell, name: str, run_name: str) -> None:
    assert shell.run("deployment", "run", f"{name}/{name}", "--flow-run-name", run_name).returncode == 0


def worker(shell: Shell, pool: str, *options: str) -> Any:
    command = [each if each != "shell" else pool for each in WORKER]
    return shell.start(*command, "--name", f"{pool}-worker", *options)


def test_a_schedule_is_a_noun(shell: Shell) -> None:
    """Made once, changed when that is wanted, listed by its own name, paused, resumed and deleted."""
    create = ("schedule", "create", "--name", "noun", "--cron", "0 3 * * *", "--timezone", "Europe/Berlin")
    made = shell.run(*create, "--concurrency-limit", "2", "--", "echo", "it's me")
    assert (made.returncode, made.stderr) == (0, "`podium worker start --pool shell` runs it.\n")
    again = shell.run(*create, "--", "true")
    assert (again.returncode, again.stdout) == (6, "")
    listed = shell.run("schedule", "ls", "--name", "noun").stdout.splitlines()[1]
    assert listed.startswith("noun  0 3 * * * (Europe/Berlin)  echo 'it'\"'\"'s me'")
    found = json.loads(shell.run("schedule", "inspect", "noun", "-o", "json").stdout)
    assert found["job_variables"] == {"command": ["echo", "it's me"]}
    assert found["global_concurrency_limit"]["limit"] == 2
    assert shell.api.get("/work_pools/shell").json()["type"] == "podium"
    assert shell.run("schedule", "pause", "noun").returncode == 0
    assert shell.run("schedule", "ls", "--paused", "-o", "name").stdout == "noun\n"
    assert shell.run("schedule", "resume", "noun").returncode == 0
    assert shell.run(*create, "--overwrite", "--", "true").returncode == 0
    assert json.loads(shell.run("schedule", "inspect", "noun", "-o", "json").stdout)["job_variables"] == {
        "command": ["true"]
    }
    assert shell.run("schedule", "delete", "noun").returncode == 0
    assert shell.run("schedule", "inspect", "noun").returncode == 3


def test_usage(shell: Shell) -> None:
    """What is missing or too much is said in a line."""
    for wrong in (
        ("--cron", "* * * * *", "--", "true"),
        ("--name", "x", "--", "true"),
        ("--name", "x", "--cron", "* * * * *", "--interval", "5m", "--", "true"),
        ("--name", "x", "--cron", "* * * * *"),
        ("--name", "x", "--cron", "no cron", "--", "true"),
        ("--name", "x", "--no-schedule", "--interval", "5m", "--", "true"),
    ):
        ended = shell.run("schedule", "create", *wrong)
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), wrong


def test_what_is_scheduled_is_run_on_time(shell: Shell) -> None:
    """By a worker that takes it before it is due and starts it when it is."""
    every = ("schedule", "create", "--name", "tick", "--pool", "ticking", "--interval", "1s")
    assert shell.run(*every, "--", "sh", "-c", "echo tick").returncode == 0
    process = worker(shell, "ticking")
    done = until(
        lambda: [run for run in shell.find(flows="tick") if run["state_name"] == "Completed" and not _is_late(run)][2:]
    )
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert shell.log(done[0]) == ["tick"]
    assert done[0]["labels"]["prefect.worker.name"] == "ticking-worker"
    taken = [run for run in shell.find(flows="tick") if run["state_type"] in ("PENDING", "RUNNING")]
    assert taken == []
    shell.run("schedule", "delete", "tick", "--yes")


def _is_late(run: Any) -> bool:
    return bool(run["estimated_start_time_delta"] > 2)


def test_once_ends_when_nothing_is_due(shell: Shell) -> None:
    """And exits as the runs ended: with their time-out, retries and environment."""
    script = 'echo "$PODIUM__ATTEMPT $COLOR $(pwd)"; [ "$PODIUM__ATTEMPT" = 2 ]'
    schedule(shell, "once", "--no-schedule", "--retries", "1", "--env", "COLOR=red", "--cwd", "/tmp", script=script)
    start_run(shell, "once", "good")
    ended = shell.run(*WORKER[:3], "once", "--once")
    assert ended.returncode == 0, ended.stderr
    run = shell.only(flow_runs="good")
    assert shell.log(run, "stdout") == ["1 red /tmp", "2 red /tmp"]
    assert shell.states(run)[-3:] == ["AwaitingRetry", "Running", "Completed"]
    schedule(shell, "once", "--no-schedule", "--overwrite", "--timeout", "0.3", script="sleep 60")
    start_run(shell, "once", "slow")
    assert shell.run(*WORKER[:3], "once", "--once").returncode == 1
    assert shell.only(flow_runs="slow")["state_name"] == "TimedOut"


def test_limits_hold(shell: Shell) -> None:
    """Of the worker and of the schedule, with two workers who want the same runs: each runs once."""
    schedule(shell, "few", "--no-schedule", script=f"echo . >> {shell.folder}/marks; sleep 0.3")
    for number in range(8):
        start_run(shell, "few", f"few-{number}")
    workers = [worker(shell, "few", "--limit", "2", "--name", f"few-{number}") for number in range(2)]
    most = 0

    def all_done() -> bool:
        nonlocal most
        states = [run["state_type"] for run in shell.find(flows="few")]
        most = max(most, states.count("RUNNING"))
        return states.count("COMPLETED") == 8

    until(all_done)
    assert most <= 4
    assert len((shell.folder / "marks").read_text().splitlines()) == 8
    for process in workers:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_cancelling_ends_all_processes(shell: Shell) -> None:
    """Those too that the command started."""
    schedule(shell, "ends", "--no-schedule", "--grace", "1s", script="echo $$; sleep 60 & sleep 60")
    start_run(shell, "ends", "ended")
    worker(shell, "ends")
    run = shell.until("Running", flow_runs="ended")
    group = int(until(lambda: shell.log(run))[0])
    assert shell.run("flow-run", "cancel", "ended").returncode == 0
    shell.until("Cancelled", flow_runs="ended")
    assert gone(group)


def gone(group: int) -> bool:
    found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return not [line for line in found.splitlines() if line.split()[0] == str(group) and "Z" not in line.split()[1]]


def test_a_worker_that_is_killed(shell: Shell) -> None:
    """Its commands end with it, the run is crashed once it is silent, and its slot is free for the next."""
    schedule(shell, "dies", "--no-schedule", "--concurrency-limit", "1", script="echo $$; sleep 60 & sleep 60")
    start_run(shell, "dies", "dead")
    process = worker(shell, "dies")
    run = shell.until("Running", flow_runs="dead")
    group = int(until(lambda: shell.log(run))[0])
    process.kill()
    process.wait()
    until(lambda: gone(group))
    crashed = shell.until("Crashed", flow_runs="dead")
    assert "is gone" in shell.api.get(f"/flow_runs/{crashed['id']}").json()["state"]["message"]
    schedule(shell, "dies", "--no-schedule", "--overwrite", "--concurrency-limit", "1", script="true")
    start_run(shell, "dies", "next")
    worker(shell, "dies")
    shell.until("Completed", flow_runs="next")


def test_a_worker_that_is_told_to_end_lets_commands_finish(shell: Shell) -> None:
    """It takes nothing new meanwhile, and what waits for its retry is handed back."""
    go = shell.folder / "go"
    schedule(shell, "drains", "--no-schedule", script=f"while [ ! -e {go} ]; do sleep 0.05; done; echo done")
    schedule(
        shell, "fails", "--pool", "drains", "--no-schedule", "--retries", "1", "--retry-delay", "1h", script="false"
    )
    start_run(shell, "drains", "under-way")
    assert shell.run("deployment", "run", "fails/fails", "--flow-run-name", "waiting").returncode == 0
    process = worker(shell, "drains")
    shell.until("Running", flow_runs="under-way")
    waiting = shell.until("AwaitingRetry", flow_runs="waiting")
    process.send_signal(signal.SIGTERM)
    until(lambda: shell.only(flow_runs="waiting")["empirical_policy"]["retry_type"] is None)
    start_run(shell, "drains", "later")
    time.sleep(0.5)
    assert process.poll() is None
    go.touch()
    assert process.wait(20) == 0
    assert shell.only(flow_runs="under-way")["state_name"] == "Completed"
    assert shell.only(flow_runs="later")["state_type"] == "SCHEDULED"
    assert shell.only(flow_runs="waiting")["next_scheduled_start_time"] == waiting["next_scheduled_start_time"]


def test_drain_is_as_long_as_it_may_take(shell: Shell) -> None:
    """Then commands are stopped; those that may be tried again are scheduled for it, others crash."""
    schedule(shell, "cut", "--no-schedule", script="sleep 60")
    schedule(shell, "cut2", "--pool", "cut", "--no-schedule", "--retries", "2", script="sleep 60")
    start_run(shell, "cut", "cut-off")
    assert shell.run("deployment", "run", "cut2/cut2", "--flow-run-name", "again").returncode == 0
    process = worker(shell, "cut", "--drain", "0.3s")
    shell.until("Running", flow_runs="cut-off")
    shell.until("Running", flow_runs="again")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert shell.only(flow_runs="cut-off")["state_name"] == "Crashed"
    assert shell.only(flow_runs="again")["state_name"] == "AwaitingRetry"


def test_a_prefect_deployment_needs_prefect(shell: Shell) -> None:
    """Its run ends with a reason; a pool of such runs is not served at all."""
    shell.post("/work_pools/", {"name": "mixed", "type": "podium"})
    flow = shell.post("/flows/", {"name": "python"})
    made = shell.post("/deployments/", {"name": "d", "flow_id": flow["id"], "work_pool_name": "mixed"})
    shell.post(f"/deployments/{made['id']}/create_flow_run", {"name": "refused"})
    ended = shell.run(*WORKER[:3], "mixed", "--once", PATH="/usr/bin:/bin")
    assert ended.returncode == 1
    run = shell.only(flow_runs="refused")
    assert run["state_name"] == "Crashed"
    assert "there is no `prefect`" in run["state"]["message"]
    shell.post("/work_pools/", {"name": "theirs", "type": "process"})
    refused = shell.run(*WORKER[:3], "theirs", PATH="/usr/bin:/bin")
    assert (refused.returncode, refused.stderr.count("\n")) == (6, 1)


def test_a_pool_of_commands_can_be_made_by_hand(shell: Shell) -> None:
    """It is like those that are made on demand."""
    assert shell.run("work-pool", "create", "by-hand", "--type", "podium").returncode == 0
    schedule(shell, "on-demand", "--no-schedule", script="true")
    templates = [shell.api.get(f"/work_pools/{name}").json()["base_job_template"] for name in ("by-hand", "on-demand")]
    assert templates[0] == templates[1] != {}


def test_a_schedule_is_not_put_where_nobody_runs_it(shell: Shell) -> None:
    """A pool of another type is refused."""
    shell.post("/work_pools/", {"name": "docker", "type": "docker"})
    ended = shell.run("schedule", "create", "--name", "x", "--pool", "docker", "--no-schedule", "--", "true")
    assert (ended.returncode, ended.stdout) == (6, "")
    assert "run no commands" in ended.stderr


@pytest.mark.slow
def test_a_worker_outlasts_restarts_of_the_server(tmp_path: Path, home: Path, free_port: int) -> None:
    """Runs under way go on, and new ones are taken when it is back."""
    shell = Shell(tmp_path, f"http://127.0.0.1:{free_port}/api")
    go = tmp_path / "go"
    try:
        with ServerProcess(home, free_port) as first:
            first.until_ready()
            schedule(shell, "last", "--no-schedule", script=f"while [ ! -e {go} ]; do sleep 0.05; done; seq 500")
            start_run(shell, "last", "over")
            process = worker(shell, "last")
            shell.until("Running", flow_runs="over")
        for number in range(3):
            with ServerProcess(home, free_port) as again:
                again.until_ready()
                start_run(shell, "last", f"new-{number}")
                shell.until("Running", flow_runs=f"new-{number}")
        go.touch()
        with ServerProcess(home, free_port) as last:
            last.until_ready()
            for name in ("over", "new-0", "new-1", "new-2"):
                run = shell.until("Completed", flow_runs=name)
                assert shell.log(run, "stdout") == [str(each) for each in range(1, 501)]
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    finally:
        shell.close()
