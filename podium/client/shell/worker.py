"""A worker: takes the runs of a work pool that are due, and runs their commands, so many at a time."""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from podium.client.errors import ClientError, NotFound
from podium.client.shell.command import BadCommand, Command, command_of
from podium.client.shell.execution import Execution, Means, Outcome, Proposal
from podium.client.shell.pools import PREFECT_TYPE, TYPE, WrongPool, job_variables
from podium.client.shell.prefect_execution import PrefectExecution
from podium.client.shell.prefect_runs import MISSING
from podium.client.shell.record import Away, Record
from podium.client.shell.recording import place, retry_policy
from podium.profiles import Settings
from podium.wire import deployments, flows, work_pools, workers
from podium.wire.flow_runs import BareFlowRun
from podium.wire.states import State
from podium.wire.work_pools import WorkPool

HEARTBEAT = 30
LONGEST_PAUSE = 30.0
LEAVING = "the worker is stopped"


class Terms(NamedTuple):
    """How a worker works: ``limit`` runs at a time, asking ``every`` so many seconds for what is due in ``prefetch``.

    ``drain`` is how long what runs may go on once the worker is asked to end; None: as long as it takes.
    """

    name: str
    queues: Sequence[str] = ()
    limit: int = 10
    every: float = 5.0
    prefetch: float = 10.0
    drain: float | None = None
    prefect: tuple[str, ...] | None = None


class Worker:
    """Serves a pool until it is asked to leave. ``told`` is called with what people should know."""

    def __init__(self, means: Means, pool: WorkPool, terms: Terms, settings: Settings) -> None:
        self._means, self._pool, self._terms, self._settings = means, pool, terms, settings
        self._client, self._told = means.client, means.told
        self._running: dict[str, Execution | PrefectExecution] = {}
        self._threads: dict[str, threading.Thread] = {}
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._leaving = self._over = False
        self._stop_at: float | None = None
        self.taken = self.unwell = 0

    def leave(self) -> None:
        """Asks for the end: nothing new is taken. Asked again, what runs is stopped, and the third time killed."""
        again, self._leaving = self._leaving, True
        now = time.monotonic()
        if again:
            self._stop_at = now
        elif self._terms.drain is not None:
            self._stop_at = now + self._terms.drain
        self._woken.set()

    def work(self, *, once: bool = False) -> None:
        """Takes and runs what is due, until it is asked to leave; ``once``: until nothing is due any more."""
        heart = threading.Thread(target=self._beat, name="worker's heartbeat", daemon=True)
        heart.start()
        pause, told_away = self._terms.every, False
        try:
            while not self._leaving:
                try:
                    took = self._take(0.0 if once else self._terms.prefetch)
                except (ClientError, Away) as error:
                    if isinstance(error, NotFound) or once:
                        raise
                    if not told_away:
                        self._told(f"The server cannot be asked for work ({error}); trying again until it can.")
                    told_away, pause = True, min(max(1.0, pause * 1.5), LONGEST_PAUSE)
                else:
                    if told_away:
                        self._told("The server answers again.")
                    told_away, pause = False, self._terms.every
                    if once and not took and not self._threads:
                        return
                self._woken.wait(0.1 if once and self._threads and not told_away else pause)
                self._woken.clear()
        finally:
            self._leaving = True
            self._end_all()
            self._over = True
            self._woken.set()

    def _beat(self) -> None:
        beat = {"name": self._terms.name, "heartbeat_interval_seconds": HEARTBEAT}
        next_beat = 0.0
        while not self._over:
            if time.monotonic() >= next_beat:
                try:
                    self._client.call(workers.HEARTBEAT, beat, work_pool_name=self._pool.name)
                    next_beat = time.monotonic() + HEARTBEAT
                except ClientError:
                    next_beat = time.monotonic() + 2.0
            time.sleep(0.2)

    def _take(self, prefetch: float) -> int:
        """Claims what is due, as far as there is room; how many."""
        free = self._terms.limit - len(self._threads)
        # Asked without room too: so the server knows that the queues are served.
        body = {
            "work_queue_names": list(self._terms.queues),
            "scheduled_before": datetime.now(UTC) + timedelta(seconds=prefetch),
            "limit": max(0, min(free, 100)),
        }
        found = self._client.call(work_pools.GET_SCHEDULED_FLOW_RUNS, body, name=self._pool.name)
        return sum(self._claim(each.flow_run) for each in found if not self._leaving)

    def _claim(self, run: BareFlowRun) -> bool:
        """Makes a run ours; the server lets one worker only."""
        if run.id in self._threads:
            return False
        record = Record(self._client, run.id, self._told, lambda: self._leaving)
        try:
            result = record.propose("PENDING")
        except ClientError as error:
            self._told(f"Flow run {run.name!r} cannot be taken: {error}")
            return False
        if result.status != "ACCEPT":
            return False
        self.taken += 1
        with self._lock:
            thread = threading.Thread(target=self._serve, args=(run, record), name=f"run {run.id}", daemon=True)
            self._threads[run.id] = thread
        thread.start()
        return True

    def _serve(self, run: BareFlowRun, record: Record) -> None:
        """Runs a claimed run to its end, whatever happens."""
        try:
            outcome = self._run(run, record)
        except (ClientError, Away) as error:
            outcome = Outcome("", unsaid=f"the server was not told of it: {error.__cause__ or error}")
        except Exception as error:
            outcome = Outcome("CRASHED", f"The worker failed: {type(error).__name__}: {error}")
            self._crash(record, outcome.message)
        with self._lock:
            self._running.pop(run.id, None)
            self._threads.pop(run.id, None)
            self.unwell += outcome.state not in ("COMPLETED", "SCHEDULED")
        self._woken.set()
        unsaid = f" Not all was recorded: {outcome.unsaid}." if outcome.unsaid else ""
        state = outcome.name or (outcome.state or "unknown").capitalize()
        self._told(f"Flow run {run.name!r} is {state}. {outcome.message}{unsaid}".rstrip())

    def _crash(self, record: Record, message: str) -> None:
        try:
            record.propose("CRASHED", message)
        except (ClientError, Away) as error:
            self._told(f"The server was not told: {error}")

    def _run(self, run: BareFlowRun, record: Record) -> Outcome:
        try:
            deployment = record.patiently(lambda: self._client.call(deployments.READ, id=run.deployment_id))
        except NotFound:
            deployment = None
        record.label(
            {
                "prefect.worker.name": self._terms.name,
                "prefect.worker.type": TYPE,
                "prefect.work-pool.name": self._pool.name,
                "prefect.work-pool.id": self._pool.id,
            }
        )
        variables = job_variables(self._pool, deployment, run)
        if self._pool.type != TYPE or not variables.get("command"):
            return self._run_prefect(run, record, variables)
        try:
            command = _with_policy_of(run, command_of(variables))
        except BadCommand as error:
            message = f"The worker {self._terms.name!r} cannot run this: {error}."
            self._crash(record, message)
            return Outcome("CRASHED", message)
        record.update(empirical_policy=retry_policy(command, run.empirical_policy), infrastructure_pid=place())
        flow = record.patiently(lambda: self._client.call(flows.READ, id=run.flow_id))
        execution = Execution(self._means, run, command, flow.name)
        execution.hand_back = lambda was_running, waited_in: _handed_back(execution, was_running, waited_in)
        return self._watched(run, execution)

    def _run_prefect(self, run: BareFlowRun, record: Record, variables: dict[str, Any]) -> Outcome:
        if self._terms.prefect is None:
            message = f"The worker {self._terms.name!r} cannot run this: {MISSING}."
            self._crash(record, message)
            return Outcome("CRASHED", message)
        execution = PrefectExecution(self._means, run, record, self._terms.prefect, variables, self._settings)
        return self._watched(run, execution)

    def _watched(self, run: BareFlowRun, execution: "Execution | PrefectExecution") -> Outcome:
        with self._lock:
            self._running[run.id] = execution
        self._told(f"Flow run {run.name!r} ({run.id}) is taken.")
        if self._leaving:
            execution.stop.ask(LEAVING)
        return execution.to_its_end()

    def _end_all(self) -> None:
        """Hands back what has not begun, and waits for what runs, as long as the terms say."""
        if self._threads:
            number = len(self._threads)
            runs = f"{number} flow run{'' if number == 1 else 's'}"
            self._told(f"Waiting for {runs} to end; what waits itself is handed back.")
        asked: float | None = None
        while self._threads:
            self._for_each(_let_go)
            stop_at = self._stop_at
            if stop_at is not None and time.monotonic() >= stop_at and stop_at != asked:
                asked = stop_at
                self._for_each(lambda each: each.stop.ask(LEAVING))
            time.sleep(0.1)

    def _for_each(self, function: Callable[["Execution | PrefectExecution"], Any]) -> None:
        with self._lock:
            running = list(self._running.values())
        for each in running:
            function(each)


def _let_go(execution: "Execution | PrefectExecution") -> None:
    """Has a run handed back while no command of it runs."""
    if execution.is_waiting and not execution.stop.is_asked:
        execution.stop.ask(LEAVING)


def _with_policy_of(run: BareFlowRun, command: Command) -> Command:
    """The command with the retries of its run, where it has some of its own."""
    policy = run.empirical_policy
    if policy.retries is None:
        return command
    return msgspec.structs.replace(command, retries=policy.retries, retry_delay=float(policy.retry_delay or 0))


def _handed_back(execution: Execution, was_running: bool, waited_in: State | None) -> Proposal:
    """The state of a run that this worker does not end: another takes it, unless its command may not run again."""
    if was_running:
        message = "The worker was stopped, and the command with it."
        may_run_again = execution.attempt <= execution.command.retries
        return Proposal("SCHEDULED", message, "AwaitingRetry") if may_run_again else Proposal("CRASHED", message)
    message = "Handed back: the worker is stopped."
    if waited_in is not None:
        return Proposal("SCHEDULED", message, waited_in.name, due=waited_in.state_details.scheduled_time)
    return Proposal("SCHEDULED", message, due=execution.run.next_scheduled_start_time)


def check_can_serve(pool: WorkPool, prefect: tuple[str, ...] | None) -> None:
    """Raises WrongPool where a worker here could run none of the pool's runs."""
    if pool.type == TYPE or (pool.type == PREFECT_TYPE and prefect is not None):
        return
    if pool.type == PREFECT_TYPE:
        raise WrongPool(f"work pool {pool.name!r} has runs of Prefect deployments, and there is no `prefect` here")
    raise WrongPool(f"work pool {pool.name!r} is of type {pool.type!r}; a worker here serves {TYPE} and {PREFECT_TYPE}")
