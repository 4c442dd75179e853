"""`podium run`: any command as a flow run, without the `prefect` client."""

import importlib.util
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.processes import ServerProcess
from tests.cli.shell import Shell, until
from tests.server.conftest import LiveServer


@pytest.fixture
def shell(tmp_path: Path, server: LiveServer) -> Iterator[Shell]:
    made = Shell(tmp_path, server.url)
    yield made
    made.close()


def test_there_is_no_prefect_here() -> None:
    """What these tests show, they show without it."""
    assert importlib.util.find_spec("prefect") is None


def test_a_command_is_recorded_and_shown(shell: Shell) -> None:
    """Its output stays where it belongs; its run has a log, a state, a tag, parameters and what was run."""
    script = 'echo "$PODIUM__FLOW_RUN_NAME $PODIUM__PARAMETER_DAY $EXTRA"; echo oh >&2; exit 3'
    options = ("--flow", "report", "--name", "recorded", "--tag", "eu", "--param", "day=5", "--env", "EXTRA=secret")
    ended = shell.run("run", *options, "--", "sh", "-c", script)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "recorded 5 secret\n", "oh\n")
    run = shell.only(flows="report")
    assert (run["name"], run["state_name"], run["tags"], run["parameters"]) == (
        "recorded",
        "Failed",
        ["eu"],
        {"day": 5},
    )
    assert run["state"]["message"] == "The command ended with exit code 3."
    assert run["state"]["data"] == {"exit_code": 3}
    assert run["job_variables"] == {"command": ["sh", "-c", script]}
    assert shell.states(run) == ["Pending", "Running", "Failed"]
    assert shell.log(run, "stdout") == ["recorded 5 secret"]
    assert shell.log(run, "stderr") == ["oh"]


def test_its_words_are_its_own(shell: Shell) -> None:
    """Nothing after the command is an option of ours; its file is the name of its flow."""
    assert shell.run("run", "printf", "%s", "--name", "-o").stdout == "--name-o"
    assert shell.only(flows="printf")["state_name"] == "Completed"


@pytest.mark.parametrize(
    ("command", "code"), [("/no/such/command", 127), ("/etc/passwd", 126), ("no-such-command-anywhere", 127)]
)
def test_what_cannot_be_started_crashes(shell: Shell, command: str, code: int) -> None:
    """With the exit codes of a shell, and a line that says why."""
    ended = shell.run("run", "--name", command, "--", command)
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.startswith("Error: The command cannot be started: there is no ")
    assert shell.only(flow_runs=command)["state_name"] == "Crashed"


def test_output_of_any_kind_is_all_there(shell: Shell) -> None:
    """Many lines, one without an end, bytes that are no text; in order."""
    ended = shell.run("run", "--name", "much", "--", "sh", "-c", "seq 5000; printf '\\377\\000end'")
    assert ended.stdout.splitlines()[:5000] == [str(number) for number in range(1, 5001)]
    assert shell.log(shell.only(flow_runs="much")) == [*(str(number) for number in range(1, 5001)), "\\xff\\x00end"]


def test_retries_are_those_of_the_server(shell: Shell) -> None:
    """Each failure is AwaitingRetry until one is good; the exit code is that of the last try."""
    script = 'echo try $PODIUM__ATTEMPT; [ "$PODIUM__ATTEMPT" = 3 ]'
    ended = shell.run("run", "--name", "again", "--retries", "5", "--", "sh", "-c", script)
    assert (ended.returncode, ended.stdout) == (0, "try 1\ntry 2\ntry 3\n")
    run = shell.only(flow_runs="again")
    retried = ["AwaitingRetry", "Running"]
    assert shell.states(run) == ["Pending", "Running", *retried, *retried, "Completed"]
    assert run["run_count"] == 3


def test_the_last_failure_is_the_end(shell: Shell) -> None:
    """Also where a signal was the reason: tried again like others, it is a crash in the end."""
    ended = shell.run("run", "--name", "killed", "--retries", "1", "--", "sh", "-c", "kill -KILL $$")
    assert ended.returncode == 137
    run = shell.only(flow_runs="killed")
    assert shell.states(run) == ["Pending", "Running", "AwaitingRetry", "Running", "Crashed"]
    assert run["state"]["message"] == "The command was killed by SIGKILL."


def test_out_of_time(shell: Shell) -> None:
    """It is TimedOut, as with the client, and all of its processes are gone."""
    script = "trap '' TERM; sleep 60 & sleep 60"
    ended = shell.run("run", "--name", "slow", "--timeout", "0.3", "--grace", "0.3", "--", "sh", "-c", script)
    assert ended.returncode == 5
    assert ended.stderr == "Error: The command took longer than 0.3 seconds and was stopped.\n"
    run = shell.only(flow_runs="slow")
    assert (run["state_type"], run["state_name"]) == ("FAILED", "TimedOut")


def test_somebody_cancels_it(shell: Shell) -> None:
    """`flow-run cancel` ends the command, which may clean up."""
    script = "trap 'echo cleaned; exit 0' TERM; echo ready; sleep 60 & wait"
    process = shell.start("run", "--name", "cancelled", "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    assert shell.run("flow-run", "cancel", "cancelled").returncode == 0
    assert process.wait(20) == 1
    run = shell.only(flow_runs="cancelled")
    assert shell.states(run)[-2:] == ["Cancelling", "Cancelled"]
    assert "cleaned" in shell.log(run)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_cancels_it(shell: Shell, number: signal.Signals, code: int) -> None:
    """The command gets the same signal, and its last words are kept."""
    script = "trap 'echo bye; exit 7' INT TERM; echo ready; while :; do sleep 0.05; done"
    process = shell.start("run", "--name", number.name, "--", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    assert process.wait(20) == code
    run = shell.only(flow_runs=number.name)
    assert run["state_name"] == "Cancelled"
    assert shell.log(run, "stdout") == ["ready", "bye"]


def test_without_a_server_nothing_is_run(tmp_path: Path) -> None:
    """One line says what to do."""
    ended = Shell(tmp_path, "http://127.0.0.1:1/api").run("run", "--", "touch", "ran")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "no server answers" in ended.stderr
    assert not (tmp_path / "ran").exists()


def test_usage(shell: Shell) -> None:
    """No command, no such time, no such variable."""
    for wrong in ((), ("--timeout", "x", "--", "true"), ("--env", "x", "--", "true"), ("--timeout", "0", "--", "true")):
        ended = shell.run("run", *wrong)
        assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1), wrong


def test_a_server_that_goes_away_hears_all_of_it_later(tmp_path: Path, home: Path, free_port: int) -> None:
    """The command goes on, and what it says and how it ends is told when the server is back."""
    url = f"http://127.0.0.1:{free_port}/api"
    go = tmp_path / "go"
    script = f"echo before; while [ ! -e {go} ]; do sleep 0.05; done; seq 1000; exit 4"
    shell = Shell(tmp_path, url)
    try:
        with ServerProcess(home, free_port) as first:
            first.until_ready()
            process = shell.start("run", "--name", "patient", "--", "sh", "-c", script)
            assert process.stdout is not None
            assert process.stdout.readline() == "before\n"
            shell.until("Running", flow_runs="patient")
        go.touch()
        assert [process.stdout.readline() for _ in range(1000)][-1] == "1000\n"
        time.sleep(0.5)
        assert process.poll() is None
        with ServerProcess(home, free_port) as again:
            again.until_ready()
            assert process.wait(30) == 4
            run = shell.only(flow_runs="patient")
            assert run["state_name"] == "Failed"
            assert shell.log(run, "stdout") == ["before", *(str(number) for number in range(1, 1001))]
    finally:
        shell.close()


def test_who_does_not_want_to_wait_for_the_server(tmp_path: Path, home: Path, free_port: int) -> None:
    """Ctrl+C after the end of the command gives up what is unsaid, and says so; the exit code stays the command's."""
    shell = Shell(tmp_path, f"http://127.0.0.1:{free_port}/api")
    go = tmp_path / "go"
    try:
        with ServerProcess(home, free_port) as server:
            server.until_ready()
            script = f"echo ready; while [ ! -e {go} ]; do sleep 0.05; done; echo done"
            process = shell.start("run", "--name", "left", "--", "sh", "-c", script)
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        go.touch()
        assert process.stdout.readline() == "done\n"
        until(lambda: "does not answer" in (process.stderr.readline() if process.stderr else ""))
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=15)
        assert "Not all was recorded" in err
        assert process.returncode == 0
    finally:
        shell.close()


def test_the_command_is_told_of_its_run(shell: Shell) -> None:
    """By its id, and all parameters as JSON."""
    script = 'echo "$PODIUM__FLOW_RUN_ID $PODIUM__PARAMETERS"'
    said = shell.run("run", "--name", "told", "-p", "a=1", "-p", 'b=["x"]', "--", "sh", "-c", script).stdout
    run_id, _, parameters = said.partition(" ")
    assert run_id == shell.only(flow_runs="told")["id"]
    assert json.loads(parameters) == {"a": 1, "b": ["x"]}
