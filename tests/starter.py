"""Imports modules once, and forks for each script that uses them: imports cost a second of CPU, a fork a hundredth.

It runs in the environment of what it starts, which need not be Podium's, and starts no thread before it forks. Its
arguments are the modules. A line of standard input is a request: a JSON object with ``script``, a path; ``arguments``;
``folder``, where it works; ``environment``, null for this one's; ``out`` and ``err``, paths its output is appended to;
and ``ended``, the path its exit code goes to. The script runs as ``__main__`` in a process and a session of its own,
whose id goes to ``<ended>.pid``. What still runs when standard input ends is killed.
"""

import gc
import importlib
import io
import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO


def requested() -> list[str]:
    """The next script and its arguments. Returns in a new process for each request, never in the first one."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # watchers are reaped by the system
    started = []
    for line in sys.stdin:
        request = json.loads(line)
        started.append(request["ended"])
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(request["ended"])
            _settle(request)
            return [request["script"], *request["arguments"]]
    for ended in started:
        _end(ended)
    os._exit(0)


def _end(ended: str) -> None:
    """Kills what still runs when nobody is left to ask for it."""
    with suppress(FileNotFoundError, ProcessLookupError):
        if not Path(ended).exists():
            os.kill(int(Path(f"{ended}.pid").read_text()), signal.SIGKILL)


def _watch(ended: str) -> None:
    """Returns in a child; waits for its end here, and writes down how it ended."""
    child = os.fork()
    if child != 0:
        _write(f"{ended}.pid", child)
        _, status = os.waitpid(child, 0)
        _write(ended, os.waitstatus_to_exitcode(status))
        os._exit(0)
    os.setsid()


def _settle(request: dict[str, Any]) -> None:
    """Makes this the process that was asked for."""
    if request["environment"] is not None:
        os.environ.clear()
        os.environ.update(request["environment"])
        time.tzset()
    os.chdir(request["folder"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    out, err = (os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for name in ("out", "err"))
    for source, target in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
        os.close(source)
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = _writer(1, "strict")
    sys.stderr = sys.__stderr__ = _writer(2, "backslashreplace")


def _writer(number: int, errors: str) -> TextIO:
    """A stream as the interpreter makes it at its start."""
    unbuffered = bool(os.environ.get("PYTHONUNBUFFERED"))
    binary = os.fdopen(number, "wb", buffering=0 if unbuffered else -1, closefd=False)
    return io.TextIOWrapper(binary, errors=errors, line_buffering=number == 2, write_through=unbuffered)


def _write(path: str, number: int) -> None:
    """Whoever sees the file sees all of it."""
    part = Path(f"{path}.part")
    part.write_text(str(number))
    part.rename(path)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        importlib.import_module(name)
    gc.freeze()  # it is everybody's, and nobody's to look through
    sys.argv = requested()
    __file__ = sys.argv[0]
    sys.path[0] = os.getcwd()
    exec(compile(Path(__file__).read_text(), __file__, "exec"))
