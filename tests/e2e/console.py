"""The client's own command line inside one process: a start of it costs two seconds, a command a tenth of one.

Scripts of the tests import it (``from console import prefect``); it runs in the client's environment, not in Podium's.
"""

import contextlib
import io
import re
import shlex
import sys

from prefect.cli._app import app  # the entry point of the `prefect` command


def prefect(line: str, *further: str, code: int = 0) -> str:
    """What ``prefect <line> <further>`` prints, wide spaces and table borders left out; fails on another exit code."""
    output = io.StringIO()
    exit_code: object = 0
    arguments = sys.argv
    sys.argv = ["prefect", "--no-prompt", *shlex.split(line), *further]
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            app()
    except SystemExit as exit_:
        exit_code = exit_.code or 0
    finally:
        sys.argv = arguments
    printed = re.sub(r"[ \t│┃]+", " ", output.getvalue())
    assert exit_code == code, f"prefect {line}: {exit_code}\n{printed}"
    return printed


def has(printed: str, *words: str) -> None:
    """Each of ``words`` is in what was printed."""
    for word in words:
        assert word in printed, f"{word!r} is not in:\n{printed}"
