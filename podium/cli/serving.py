"""A worker in this process, from its start to the end that a signal asks for."""

import os
import signal
import socket
from collections.abc import Sequence
from types import FrameType

from podium.cli.context import Invocation
from podium.cli.diagnostics import ExitCode, Failure
from podium.cli.recording import SIGNALS, STEPS
from podium.client.api import Client
from podium.client.shell.execution import Means
from podium.client.shell.guard import Guard
from podium.client.shell.pools import WrongPool, ensure_pool
from podium.client.shell.prefect_runs import find_prefect
from podium.client.shell.watching import Watch
from podium.client.shell.worker import Terms, Worker, check_can_serve


def serve(
    invocation: Invocation, pool_name: str, terms: Terms, prefect: str | None, heartbeat: float, once: bool
) -> int:
    """Serves a pool, made where there is none; the exit code. Raises ClientError, Failure."""
    told = invocation.diagnostics.note
    program = find_prefect(prefect)
    if prefect is not None and program is None:
        raise Failure(f"--prefect: There is no program {prefect!r}.", ExitCode.USAGE)
    pool, made = ensure_pool(invocation.client, pool_name)
    if made:
        told(f"Made work pool {pool.name!r}, for commands.")
    try:
        check_can_serve(pool, program)
    except WrongPool as error:
        raise Failure(f"The {error}.", ExitCode.CONFLICT) from None
    terms = terms._replace(prefect=program)
    with Client.of(invocation.settings, invocation.api_url, timeout=STEPS, patient=False) as client:
        watch, guard = Watch(client), Guard()
        watch.start()
        worker = Worker(Means(client, guard, watch, told, heartbeat), pool, terms, invocation.settings)
        number = _signals_to(worker)
        kinds = "commands and Prefect deployments" if program else "commands"
        told(f"Worker {terms.name!r} serves work pool {pool.name!r}: {kinds}, {terms.limit} at a time.")
        try:
            worker.work(once=once)
        finally:
            watch.close()
            guard.close()
    told(f"Worker {terms.name!r} has ended after {worker.taken} flow run{'' if worker.taken == 1 else 's'}.")
    if number and number[0] == signal.SIGINT:
        return ExitCode.INTERRUPTED
    return ExitCode.FAILURE if once and worker.unwell else ExitCode.OK


def default_name() -> str:
    """The name of a worker that has none: where it is."""
    return f"{socket.gethostname()}-{os.getpid()}"


def _signals_to(worker: Worker) -> Sequence[int]:
    """Has signals ask the worker to leave; those that came."""
    got: list[int] = []

    def leave(number: int, frame: FrameType | None) -> None:
        got.append(number)
        worker.leave()

    for each in SIGNALS:
        signal.signal(each, leave)
    return got
