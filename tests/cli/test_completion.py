"""Completion: what the words of a command line may become, and that bash, zsh and fish put it there as it is."""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from podium.cli.groups.completion import BASH
from tests.cli.conftest import Podium
from tests.cli.garden import plant
from tests.cli.terminal import Absent, Terminal
from tests.migrated import migrate
from tests.server.conftest import LiveServer, settings_for

ODD = "odd $(touch ran) `touch ran` 'q' \"d\""
"""The name of a flow, which everybody who may make one chooses: no shell may run any of it."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('database') / 'podium.db'}"
    migrate(url)
    with LiveServer(settings_for(url), with_services=False) as live:
        plant(live.url)
        with httpx.Client(base_url=live.url, follow_redirects=True) as api:
            api.post("/flows/", json={"name": ODD})
            flow = api.post("/flows/", json={"name": "my flow"}).json()["id"]
            api.post("/deployments/", json={"name": "first one", "flow_id": flow})
            api.post("/concurrency_limits/", json={"tag": "color", "concurrency_limit": 1})
        yield live


Words = Callable[..., list[str]]


@pytest.fixture
def words(podium: Podium, server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> Words:
    """What the last word may become: ``words("flow-run", "ins")``; None in it where files may stand."""
    monkeypatch.setenv("PODIUM_API_URL", server.url)

    def words(*line: str) -> list[str]:
        found = podium("__complete", *line)
        assert found.err == ""
        return [each.partition("\t")[0] for each in found.out.splitlines()] + ["FILES"] * found.code

    return words


@pytest.mark.parametrize(
    ("line", "becomes"),
    [
        ("flow-r", ["flow-run"]),
        ("flow-run ins", ["inspect"]),
        ("flow-run inspect fir", ["first-run"]),
        ("flow-run ls --sta", ["--state", "--state-type"]),
        ("flow-run ls --state cr", ["crashed"]),
        ("flow-run ls --state=Cr", ["--state=Crashed"]),
        ("flow-run logs -o js", ["json", "jsonl"]),
        ("deployment run et", ["etl/prod"]),
        ("deployment run etl/p", ["etl/prod"]),
        ("work-queue pause pool/u", ["pool/urgent"]),
        ("gcl inspect tag:c", ["tag:color"]),
        ("block inspect secret/", ["secret/password"]),
        ("profile use lo", ["local"]),
        ("--profile lo", ["local"]),
        ("--profile ephemeral variable get re", ["region"]),
        ("config explain PODIUM_API_UR", ["PODIUM_API_URL"]),
        ("config set PODIUM_API_UR", ["PODIUM_API_URL="]),
        ("completion z", ["zsh"]),
        ("apply --file x", ["FILES"]),
        ("run ./ba", ["FILES"]),
        ("flow-run inspect nobody", []),
        ("no-such-command x", []),
    ],
)
def test_what_a_word_may_become(words: Words, line: str, becomes: list[str]) -> None:
    """Commands, options and their values, names on the server and on this machine; files where they may stand."""
    assert words(*line.split(" ")) == becomes


def test_a_server_that_is_away_completes_nothing(
    podium: Podium, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nobody waits for it, nor reads why."""
    monkeypatch.setenv("PODIUM_API_URL", f"http://127.0.0.1:{free_port}/api")
    started = time.monotonic()
    assert podium("__complete", "flow-run", "inspect", "") == (0, "", "")
    assert time.monotonic() - started < 1.5


IN_SINGLE = "odd $(touch ran) `touch ran` '\\''q'\\'' \"d\""
IN_DOUBLE = "odd \\$(touch ran) \\`touch ran\\` 'q' \\\"d\\\""
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    ("line", "readline", "becomes"),
    [
        ("deployment run my", ["deployment", "run", "my"], r"my\ flow/first\ one"),
        (r"deployment run my\ fl", ["deployment", "run", r"my\ fl"], r"my\ flow/first\ one"),
        ("deployment run 'my fl", ["deployment", "run", "'my fl"], "my flow/first one"),
        ("gcl inspect tag:c", ["gcl", "inspect", "tag", ":", "c"], "color"),
        ("gcl inspect tag:", ["gcl", "inspect", "tag", ":"], "color\ndb"),
        ("flow-run ls --state=cr", ["flow-run", "ls", "--state", "=", "cr"], "crashed"),
        ("flow inspect odd", ["flow", "inspect", "odd"], r"odd\ \$\(touch\ ran\)\ \`touch\ ran\`\ \'q\'\ \"d\""),
        ("flow inspect 'odd", ["flow", "inspect", "'odd"], IN_SINGLE),
        ('flow inspect "odd', ["flow", "inspect", '"odd'], IN_DOUBLE),
    ],
)
def test_bash_is_given_words_that_it_does_not_run(
    tmp_path: Path, server: LiveServer, line: str, readline: list[str], becomes: str
) -> None:
    """The function alone, called as readline calls it; names of many parts, and one with a command in it."""
    typed = f"podium {line}"
    script = f"""{BASH}
COMP_LINE={shlex.quote(typed)} COMP_POINT={len(typed)} COMP_WORDS=(podium {shlex.join(readline)})
COMP_CWORD={len(readline)}
_podium_complete
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environ = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(tmp_path), "PODIUM_API_URL": server.url}
    done = subprocess.run(["bash", "-c", script], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == (f"{becomes}\n", "")
    assert not (tmp_path / "ran").exists()


START = {
    "bash": ["source <(podium completion bash)"],
    "bash installed": [
        "podium completion bash --install",
        "source .local/share/bash-completion/completions/podium",
    ],
    "zsh": ["exec zsh -f", "autoload -Uz compinit && compinit -u; source <(podium completion zsh)"],
    "zsh installed": [
        "podium completion zsh --install",
        "exec zsh -f",
        "fpath+=~/.zfunc; autoload -Uz compinit && compinit -u",
    ],
    "fish": ["exec fish --private", "podium completion fish | source"],
    "fish installed": ["podium completion fish --install", "exec fish --private"],
}
TYPED = [
    ("podium flow-run ins", "podium flow-run inspect"),
    ("podium flow-run inspect fir", "podium flow-run inspect first-run"),
    ("podium flow-run ls --state=cr", "podium flow-run ls --state=crashed"),
    ("podium gcl inspect tag:c", "podium gcl inspect tag:color"),
    ("podium work-queue pause pool/u", "podium work-queue pause pool/urgent"),
    ("podium deployment run my", r"podium deployment run my\ flow/first\ one"),
    ("podium deployment run 'my fl", "podium deployment run 'my flow/first one'"),
    ("podium apply -f fil", "podium apply -f file.yaml"),
    ("podium config set PODIUM_API_UR", "podium config set PODIUM_API_URL="),
]


@pytest.mark.slow  # a person types, `make tour` runs it
@pytest.mark.parametrize("shell", START)
def test_tab_in_a_real_shell(tmp_path: Path, server: LiveServer, shell: str) -> None:
    """What was begun is ended, with names of the server, as the shell wants them written."""
    program = shell.split(" ")[0]
    if not shutil.which(program):
        pytest.skip(f"{program} is not on the path")
    (tmp_path / "file.yaml").touch()
    try:
        terminal = Terminal(tmp_path, 100, 24, PODIUM_API_URL=server.url)
    except Absent as absent:
        pytest.skip(str(absent))
    with terminal:
        for line in START[shell]:
            terminal.type(line)
        terminal.type("echo a''b")
        terminal.until("ab")
        for begun, ended in TYPED:
            terminal.press("C-u", "C-l")
            terminal.write(begun)
            terminal.press("Tab")
            terminal.until(ended, 15)
            terminal.keep(f"{shell}: {begun}\n{terminal.screen}")
        terminal.press("C-u", "C-l")
        terminal.write("podium flow inspect odd")
        terminal.press("Tab")
        terminal.until("touch", 15)
        terminal.press("Enter")
        terminal.until("odd", 15)
        terminal.type("echo c''d")
        terminal.until("cd")
        assert not (tmp_path / "ran").exists()
        assert "There is no flow" not in terminal.history
