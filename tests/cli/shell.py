"""Commands that run commands, in processes of their own, and the runs that they leave."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.forking import Forked, start_podium


class Shell:
    """`podium` against a server, in a folder."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.api = httpx.Client(base_url=url, timeout=30)
        self.started: list[Forked] = []

    def close(self) -> None:
        """Ends what was started."""
        for process in self.started:
            process.kill()
            process.wait()
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    pipe.close()
        self.api.close()

    def start(self, *arguments: str, **variables: str) -> Forked:
        """A command that goes on while the test acts."""
        out, err = (self.folder / f"{name}-{len(self.started)}" for name in ("out", "err"))
        for pipe in (out, err):
            os.mkfifo(pipe)
        process = self._start(arguments, variables, out, err)
        process.stdout, process.stderr = (pipe.open(errors="replace") for pipe in (out, err))
        return process

    def run(self, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """A command that has ended."""
        out, err = (self.folder / f"{name}-{len(self.started)}" for name in ("out", "err"))
        code = self._start(arguments, variables, out, err).wait(60)
        return subprocess.CompletedProcess(
            arguments, code, out.read_text(errors="replace"), err.read_text(errors="replace")
        )

    def _start(self, arguments: tuple[str, ...], variables: dict[str, str], out: Path, err: Path) -> Forked:
        ours = ("PODIUM_", "PREFECT_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environ |= {"HOME": str(self.folder), "PODIUM_API_URL": self.url, **variables}
        self.started.append(start_podium(*arguments, folder=self.folder, environment=environ, out=out, err=err))
        return self.started[-1]

    def post(self, path: str, body: Any = None) -> Any:
        answer = self.api.post(path, json=body or {})
        assert answer.is_success, (path, answer.text)
        return answer.json() if answer.content else None

    def find(self, **wanted: Any) -> list[Any]:
        """The runs of a flow or a name, oldest first."""
        body = {kind: {"name": {"any_": [name]}} for kind, name in wanted.items()}
        return sorted(self.post("/flow_runs/filter", body), key=lambda run: run["created"])

    def only(self, **wanted: Any) -> Any:
        """The only run of a flow or a name, with all there is to it."""
        (found,) = self.find(**wanted)
        return self.api.get(f"/flow_runs/{found['id']}").json()

    def until(self, state: str, seconds: float = 30.0, **wanted: Any) -> Any:
        """The only run, once it is in a state."""

        def there() -> Any:
            found = self.find(**wanted)
            return found[0] if found and found[0]["state_name"] == state else None

        return until(there, seconds)

    def states(self, run: Any) -> list[str]:
        """The states a run came through."""
        found = self.api.get("/flow_run_states/", params={"flow_run_id": run["id"]}).json()
        return [state["name"] for state in found]

    def log(self, run: Any, stream: str | None = None) -> list[str]:
        """What a run said."""
        found: list[str] = []
        while True:
            wanted = {"flow_run_id": {"any_": [run["id"]]}}
            body = {"logs": wanted, "sort": "TIMESTAMP_ASC", "offset": len(found), "limit": 200}
            page = self.post("/logs/filter", body)
            found += [line["message"] for line in page if stream in (None, line["name"])]
            if len(page) < 200:
                return found


def until(there: Callable[[], Any], seconds: float = 30.0) -> Any:
    """What the function returns, once it is something."""
    deadline = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
    return found
