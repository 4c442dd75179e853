"""The `podium` command itself: its tree, its errors and its start."""

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from podium import __version__
from podium.cli.app import main
from podium.cli.commands import ROWS, SECTIONS, Row
from podium.cli.diagnostics import CODES, Diagnostics, ExitCode, Failure
from tests.cli.at_terminal import at_terminal
from tests.cli.conftest import Podium

FORMATS = "table, json, jsonl, csv, yaml, name"
ROOT = Path(__file__).parents[2]


def test_version_is_one_word(podium: Podium) -> None:
    """For scripts, in either place."""
    assert podium("--version").out == f"{__version__}\n"
    assert podium("-p", "local", "--version").out == f"{__version__}\n"


def test_version_command_tells_both_versions(podium: Podium) -> None:
    """Podium's own, and the one that clients are told."""
    shown = json.loads(podium("version", "-o", "json").out)
    assert (shown["podium"], shown["wire"]) == (__version__, "3.8.8")
    assert f"podium:   {__version__}\n" in podium("version").out


def test_help_lists_every_group(podium: Podium) -> None:
    """From the table, whether asked or called with nothing."""
    out = podium("--help").out
    assert podium().out == podium("-h").out == out
    for row in ROWS:
        if " " not in row.words:
            assert row.help in out


def test_help_has_a_heading_for_each_kind_of_command(podium: Podium) -> None:
    """Under it one line for each, of one column, on a terminal as narrow as usual."""
    out = podium("--help").out
    shown = dict(re.findall(r"^(\S.*):\n((?:  .+\n)+)", out, re.MULTILINE))
    assert list(shown) == ["Options", *SECTIONS]
    width = max(len(row.words) for row in ROWS if " " not in row.words)
    for title, rows in SECTIONS.items():
        lines = [f"  {row.words:<{width}}  {row.help}" for row in rows if " " not in row.words]
        assert shown[title].splitlines() == lines
    assert max(map(len, out.splitlines())) <= 80


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_every_row_leads_to_a_module_with_its_help(podium: Podium, row: Row) -> None:
    """The line in the table is the first line of the group's own help."""
    assert hasattr(importlib.import_module(row.module), "app")
    result = podium(*row.words.split(), "--help")
    assert result.code == 0
    assert " ".join(row.help.split()) in " ".join(result.out.split())


@pytest.mark.parametrize(
    ("typed", "answer"),
    [
        (["confg", "view"], "There is no command `podium confg`. Did you mean `podium config`?"),
        (["config", "veiw"], "There is no command `podium config veiw`. Did you mean `podium config view`?"),
        (["zzz"], "There is no command `podium zzz`. `podium --help` lists them."),
        (["config", "view", "--nope"], "No such option: --nope `podium config view --help` shows how."),
        (
            ["version", "-o", "xml"],
            f"Invalid value for '--output' / '-o': 'xml' is not one of {FORMATS}. `podium version --help` shows how.",
        ),
        (["config", "explain"], "Missing argument 'KEY'. `podium config explain --help` shows how."),
    ],
)
def test_a_mistyped_command_is_told_the_right_one(podium: Podium, typed: list[str], answer: str) -> None:
    """In one line, with the code for usage."""
    result = podium(*typed)
    assert (result.code, result.out, result.err) == (2, "", f"Error: {answer}\n")


def test_a_group_that_is_not_installed_breaks_no_other(podium: Podium, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is neither listed nor callable."""
    rows = (*ROWS, Row("ghost", "podium.cli.groups.ghost", "Boo."))
    monkeypatch.setattr("podium.cli.tree.ROWS", rows)
    assert "ghost" not in podium("--help").out
    assert podium("config", "view").code == 0
    assert podium("ghost").code == 2


def test_the_profile_option_is_global(podium: Podium) -> None:
    """Before the command."""
    assert "PODIUM_API_URL='http://127.0.0.1:4200/api' (from profile)" in podium("-p", "local", "config", "view").out
    wrong = podium("--profile", "locl", "config", "view")
    assert (wrong.code, wrong.err) == (2, "Error: command line: there is no profile 'locl'. Did you mean local?\n")


def test_an_unexpected_error_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without traceback and without the passwords of a URL; PODIUM_DEBUG_MODE shows where it comes from."""
    error = ValueError("cannot reach\npostgresql://u:canary@h/d")
    assert Diagnostics().report(error) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("Error: ValueError: cannot reach postgresql://u:********@h/d")
    assert shown.count("\n") == 1
    monkeypatch.setenv("PODIUM_DEBUG_MODE", "1")
    Diagnostics().report(error)
    shown = capsys.readouterr().err
    assert "Traceback" in shown or "ValueError" in shown
    assert "canary" not in shown


def test_expected_errors_have_their_code() -> None:
    """Every name in the table is a class, and subclasses share the code."""
    for name, code in CODES.items():
        module, _, kind = name.rpartition(".")
        error_class = getattr(importlib.import_module(module), kind)
        assert issubclass(error_class, Exception)
        assert 1 <= code <= 6
    assert Diagnostics().report(Failure("x", ExitCode.CONFLICT)) == 6
    assert Diagnostics().report(TimeoutError("x")) == 5
    assert Diagnostics().report(KeyboardInterrupt()) == 130


def test_settings_that_were_ignored_are_told_once(podium: Podium) -> None:
    """On stderr, so that the output can still be read by programs."""
    Path("podium.toml").write_text("[api]\nurl = 'http://evil.example'\n")
    result = podium("config", "view", "-o", "json")
    json.loads(result.out)
    assert result.err.count("podium.toml:2: api.url is ignored") == 1


PROGRAM = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
from podium.cli.app import main
sys.exit(main(sys.argv[1:]))
"""
HEAVY = {"pydantic", "rich", "tomlkit", "httpx", "sqlalchemy", "falcon", "alembic", "docket", "textual", "uvicorn"}


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        ("--version", {"typer", "msgspec", "podium.profiles", *HEAVY}),
        ("--help", HEAVY),
        ("config view --show-defaults", HEAVY),
        ("config set PODIUM_SERVER_API_PORT=1", HEAVY),
        ("config explain api.url", HEAVY),
        ("profile ls", HEAVY),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: str, unwanted: set[str]) -> None:
    """Starting quickly is a feature."""
    command = [sys.executable, "-c", PROGRAM, *arguments.split()]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert unwanted & set(json.loads(result.stderr.splitlines()[-1])) == set()


def test_tables_have_colour_on_a_terminal_alone(podium: Podium) -> None:
    """Not in a pipe, not under NO_COLOR, not when switched off."""
    assert "\x1b[" in at_terminal("profile", "ls").text
    assert "\x1b[" not in at_terminal("profile", "ls", NO_COLOR="1").text
    assert "\x1b[" not in at_terminal("profile", "ls", PODIUM_CLI_COLORS="false").text
    assert "\x1b[" not in podium("profile", "ls").out


def test_a_question_is_asked_on_a_terminal(podium: Podium) -> None:
    """And the answer counts; prompts can be switched off."""
    podium("profile", "create", "a")
    assert "Delete profile 'a'? [y/N]:" in at_terminal("profile", "delete", "a", typed="n\n").text
    assert "give --yes" in at_terminal("profile", "delete", "a", PODIUM_CLI_PROMPT="false").text
    assert podium("profile", "inspect", "a").code == 0
    assert "Deleted profile 'a'." in at_terminal("profile", "delete", "a", typed="y\n").text
    assert podium("profile", "inspect", "a").code == 3


def test_a_reader_that_leaves_early_is_no_error(podium: Podium) -> None:
    """`podium config view | head -1` ends quietly."""
    command = f"{sys.executable} -m podium config view --show-defaults | head -1"
    result = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (result.stdout, result.stderr) == ("PODIUM_PROFILE='ephemeral'\n", "")


def test_main_returns_a_code(podium: Podium) -> None:
    """The installed script exits with it."""
    assert main(["config", "view"]) == 0
