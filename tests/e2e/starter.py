"""Imports the client once and forks it for each script: an import costs 1.5 seconds of CPU, a fork a hundredth.

It runs in the client's environment, not in Podium's, and starts no thread before it forks. A line of standard input is
a request, ``{"script": path, "arguments": [...]}``. The script runs as ``__main__`` in a process and a session of its
own; its output goes to ``<script>.out`` and its exit code to ``<script>.code``.
"""

import json
import os
import signal
import sys
from pathlib import Path

# What scripts use; they import it again by name, which costs nothing.
import prefect.artifacts
import prefect.automations
import prefect.cli._app
import prefect.client.orchestration
import prefect.concurrency.sync
import prefect.deployments
import prefect.events
import prefect.flow_engine
import prefect.input
import prefect.task_engine
import prefect.task_worker
import prefect.variables  # noqa: F401


def requested() -> tuple[str, list[str]]:
    """The next script and its arguments. Returns in a new process for each request, never in the first one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # watchers are reaped by the system
    for line in sys.stdin:
        request = json.loads(line)
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(request["script"])
            return request["script"], request["arguments"]
    os._exit(0)


def _watch(script: str) -> None:
    """Returns in a child; waits for its end here, and writes down how it ended."""
    child = os.fork()
    if child != 0:
        _, status = os.waitpid(child, 0)
        code = Path(f"{script}.part")
        code.write_text(str(os.waitstatus_to_exitcode(status)))
        code.rename(f"{script}.code")
        os._exit(0)
    os.setsid()
    Path(f"{script}.pid").write_text(str(os.getpid()))
    output = os.open(f"{script}.out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)


if __name__ == "__main__":
    __file__, arguments = requested()
    sys.argv = [__file__, *arguments]
    sys.path[0] = str(Path(__file__).parent)
    exec(compile(Path(__file__).read_text(), __file__, "exec"))
