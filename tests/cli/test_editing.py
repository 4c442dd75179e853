"""`podium … edit` without options: an editor at a terminal, and what becomes of what was written there."""

import json
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.at_terminal import Seen, at_terminal
from tests.cli.conftest import Podium
from tests.cli.garden import plant
from tests.server.conftest import LiveServer

Edit = Callable[..., Seen]

EDITOR = """\
import os, subprocess, sys
from pathlib import Path

def podium(*words):
    subprocess.run([sys.executable, "-m", "podium", *words], check=True, stdout=subprocess.DEVNULL)

file = Path(sys.argv[1])
text = file.read_text()
times = len(list(Path({folder!r}).glob("seen-*")))
Path({folder!r}, f"seen-{{times}}").write_text(text)
{act}
file.write_text(text)
"""


@pytest.fixture(autouse=True)
def _address(server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODIUM_API_URL", server.url)
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def edit(tmp_path: Path) -> Edit:
    """``edit("variable", "x", act="text = …", typed="y\\n")``: the editor does this, then that is typed."""

    def run(*words: str, act: str = "", typed: str = "", command: str = "edit", **more: object) -> Seen:
        for seen in tmp_path.glob("seen-*"):
            seen.unlink()
        script = tmp_path / "editor.py"
        script.write_text(EDITOR.format(folder=str(tmp_path), act=act))
        environ = {"EDITOR": f"{sys.executable} {script}", "VISUAL": ""}
        return at_terminal(words[0], command, *words[1:], typed=typed, **{**environ, **more})  # type: ignore[arg-type]

    return run


@pytest.fixture
def variable(podium: Podium) -> Iterator[str]:
    """One to edit."""
    podium("variable", "set", "greeting", "hello", "--tag", "a", "--overwrite")
    yield "greeting"
    podium("variable", "delete", "greeting", "--yes")


def value(podium: Podium) -> object:
    return json.loads(podium("variable", "inspect", "greeting", "-o", "json").out)["value"]


def kept(seen: Seen) -> str:
    """What was written, in the file that was named; nobody else may read it."""
    (line,) = [line for line in seen.lines if line.startswith("What you wrote is in ")]
    file = Path(line.removeprefix("What you wrote is in ").removesuffix("."))
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    return file.read_text()


def drafts(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("podium-edit-*"))


BYE = "text = text.replace('hello', 'bye')"


def test_a_change_is_shown_and_asked_about(edit: Edit, podium: Podium, variable: str, tmp_path: Path) -> None:
    """Then it is made, and no draft stays."""
    seen = edit("variable", variable, act=BYE, typed="y\n")
    assert seen.code == 0, seen.text
    assert "-value: hello" in seen.lines
    assert "+value: bye" in seen.lines
    assert seen.lines[-1].endswith("Changed value of variable 'greeting'.")
    assert value(podium) == "bye"
    assert drafts(tmp_path) == []
    opened = (tmp_path / "seen-0").read_text()
    assert opened.startswith("# variable greeting: ")
    assert opened.endswith("name: greeting\nvalue: hello\ntags:\n  - a\n")


@pytest.mark.parametrize(
    "act",
    ["", "text += '# nothing\\n'", "text = text.replace('hello', '\"hello\"')", "text = ''", "text = 'tags: [a]'"],
)
def test_nothing_changed_is_nothing_done(edit: Edit, podium: Podium, variable: str, tmp_path: Path, act: str) -> None:
    """Whatever was written, as long as it says the same; nobody is asked."""
    before = podium("variable", "inspect", variable, "-o", "json").out
    seen = edit("variable", variable, act=act)
    assert (seen.code, seen.lines) == (0, ["Nothing was changed."])
    assert podium("variable", "inspect", variable, "-o", "json").out == before
    assert drafts(tmp_path) == []


def test_who_does_not_agree_keeps_what_was_written(edit: Edit, podium: Podium, variable: str) -> None:
    """Nothing is sent."""
    seen = edit("variable", variable, act=BYE, typed="n\n")
    assert (seen.code, value(podium)) == (1, "hello")
    assert "value: bye" in kept(seen)
    assert seen.lines[-1] == "Error: Nothing was done."


def test_what_is_no_yaml_is_edited_again(edit: Edit, podium: Podium, variable: str, tmp_path: Path) -> None:
    """Its line is told, and the editor opens what was written, to be mended."""
    act = "text = text.replace('[hello', 'bye') if times else text.replace('hello', '[hello')"
    seen = edit("variable", variable, act=act, typed="\ny\n")
    assert seen.code == 0, seen.text
    assert any(re.match(r"Error: line \d+: this is not YAML: ", line) for line in seen.lines)
    assert "Edit it again? [Y/n]" in seen.text
    assert "value: [hello\n" in (tmp_path / "seen-1").read_text()
    seen = edit("variable", variable, act="text = text.replace('tags:', '- tags:')", typed="n\n")
    assert (seen.code, seen.lines[-1]) == (2, "Error: Nothing was changed.")
    assert "- tags:" in kept(seen)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("text = text.replace('value:', 'valu:')", "Error: valu cannot be edited; known are name, value, tags."),
        ("text = '[1, 2]'", "Error: Expected fields with their values."),
    ],
)
def test_fields_that_are_none(edit: Edit, podium: Podium, variable: str, act: str, said: str) -> None:
    """They are told before anything is asked of the server."""
    seen = edit("variable", variable, act=act, typed="n\n")
    assert seen.code == 2
    assert said in seen.lines
    assert value(podium) == "hello"


def test_what_the_server_refuses_is_edited_again(edit: Edit, podium: Podium, variable: str) -> None:
    """With the server's words; its kind of error is the exit code of who gives up."""
    wrong = "text = text.replace('name: greeting', 'name: \"not a name!\"')"
    seen = edit("variable", variable, act=wrong, typed="y\nn\n")
    assert seen.code == 2
    assert sum(line.startswith("Error: name: ") for line in seen.lines) == 2
    assert "not a name!" in kept(seen)
    act = wrong + " if not times else text.replace('not a name!', 'greeting').replace('hello', 'mended')"
    assert edit("variable", variable, act=act, typed="y\ny\ny\n").code == 0
    assert value(podium) == "mended"


MEANWHILE = "podium('variable', 'edit', 'greeting', {}); " + BYE


def test_somebody_else_was_faster(edit: Edit, podium: Podium, variable: str) -> None:
    """Both changes are shown; who goes on overwrites theirs, who does not keeps what was written."""
    theirs = MEANWHILE.format("'--value', 'theirs'")
    seen = edit("variable", variable, act=theirs, typed="y\nn\n")
    assert (seen.code, value(podium)) == (6, "theirs")
    assert "Warning: Somebody else changed value of variable greeting meanwhile:" in seen.lines
    assert "+value: theirs" in seen.lines
    assert "value: bye" in kept(seen)
    podium("variable", "set", "greeting", "hello", "--overwrite")
    assert edit("variable", variable, act=theirs, typed="y\ny\n").code == 0
    assert value(podium) == "bye"


def test_somebody_else_changed_something_else(edit: Edit, podium: Podium, variable: str) -> None:
    """Both changes are there then, and nobody is asked."""
    assert edit("variable", variable, act=MEANWHILE.format("'--tag', 'theirs'"), typed="y\n").code == 0
    found = json.loads(podium("variable", "inspect", "greeting", "-o", "json").out)
    assert (found["value"], found["tags"]) == ("bye", ["theirs"])


def test_it_is_gone_meanwhile(edit: Edit, podium: Podium, variable: str) -> None:
    """Not found, and what was written is kept."""
    act = "podium('variable', 'delete', 'greeting', '--yes'); " + BYE
    seen = edit("variable", variable, act=act, typed="y\n")
    assert seen.code == 3
    assert "value: bye" in kept(seen)


def test_automations_are_sent_whole(edit: Edit, podium: Podium, tmp_path: Path) -> None:
    """And what somebody else changed of one stays all the same."""
    one = {"name": "one", "trigger": {"type": "event", "posture": "Reactive"}, "actions": [{"type": "do-nothing"}]}
    (tmp_path / "one.json").write_text(json.dumps(one))
    podium("automation", "create", "-f", str(tmp_path / "one.json"))
    theirs = f"podium('automation', 'update', 'one', '-j', {json.dumps(json.dumps({'tags': ['theirs']}))}); "
    act = theirs + "text = text.replace('enabled: true', 'enabled: false')"
    assert edit("automation", "one", act=act, typed="y\n").code == 0
    found = json.loads(podium("automation", "inspect", "one", "-o", "json").out)
    assert (found["enabled"], found["tags"]) == (False, ["theirs"])
    podium("automation", "delete", "one", "--yes")


def test_secrets_are_not_shown_and_stay(edit: Edit, podium: Podium, server: LiveServer, tmp_path: Path) -> None:
    """Those beside what was changed, at any depth."""
    data = json.dumps({"aws_access_key_id": "x", "aws_secret_access_key": "deep", "region_name": "eu"})
    podium("block", "create", "aws-credentials", "--name", "prod", "--data", data)
    seen = edit(
        "block", "aws-credentials/prod", act="text = text.replace('region_name: eu', 'region_name: us')", typed="y\n"
    )
    assert seen.code == 0, seen.text
    assert "deep" not in (tmp_path / "seen-0").read_text()
    found = podium(
        "api", "GET", "/block_types/slug/aws-credentials/block_documents/name/prod", "-q", "include_secrets=true"
    )
    data = json.loads(found.out)["data"]
    assert (data["aws_secret_access_key"], data["region_name"]) == ("deep", "us")


def test_long_texts_are_lines(edit: Edit, podium: Podium, tmp_path: Path) -> None:
    """Such as templates, with what YAML would take for something else in them."""
    template = '{"event": "a.b",\n "resource": {"prefect.resource.id": "{{ body.id }}"}}'
    podium("webhook", "create", "lines", "--template", template)
    seen = edit("webhook", "lines", act="text = text.replace('a.b', 'a.c')", typed="y\n")
    assert seen.code == 0, seen.text
    assert 'template: |-\n  {"event": "a.b",\n' in (tmp_path / "seen-0").read_text()
    found = json.loads(podium("webhook", "inspect", "lines", "-o", "json").out)
    assert found["template"] == template.replace("a.b", "a.c")


def test_editors_that_fail(edit: Edit, podium: Podium, variable: str, tmp_path: Path) -> None:
    """One that is not there names the variable to set; one that fails changes nothing; VISUAL goes before EDITOR."""
    missing = edit("variable", variable, VISUAL="no-such-editor")
    assert missing.code == 1
    assert "set EDITOR" in missing.lines[-1]
    failed = edit("variable", variable, act="sys.exit(3)")
    assert failed.code == 1
    assert failed.lines[-1].endswith("failed with code 3; nothing was changed.")
    assert drafts(tmp_path) == []
    given_up = edit("variable", variable, act=f"{BYE}; file.write_text(text); sys.exit(3)")
    assert (given_up.code, value(podium)) == (1, "hello")
    assert "value: bye" in kept(given_up)


def test_ctrl_c_in_an_editor_is_the_editors(edit: Edit, podium: Podium, variable: str) -> None:
    """It ends a search there, and not the command."""
    # The whole group gets it, as from a terminal.
    act = f"import signal; signal.signal(signal.SIGINT, lambda *_: None); os.killpg(0, signal.SIGINT); {BYE}"
    assert edit("variable", variable, act=act, typed="y\n").code == 0
    assert value(podium) == "bye"


def test_without_a_terminal(podium: Podium, variable: str) -> None:
    """Options say what to change."""
    refused = podium("variable", "edit", variable)
    assert (refused.code, refused.out) == (2, "")
    assert "no terminal" in refused.err


def test_what_is_told_to_programs(edit: Edit, variable: str, tmp_path: Path) -> None:
    """Which fields were changed; the editor has the terminal although stdout has not."""
    out = tmp_path / "out.json"
    assert edit("variable", variable, "-o", "json", act=BYE, typed="y\n", stdout=out).code == 0
    told = json.loads(out.read_text())
    assert (told["name"], told["action"], told["changed"]) == ("greeting", "edit", ["value"])


@pytest.fixture(scope="module")
def garden(server: LiveServer) -> dict[str, str]:
    return plant(server.url)


@pytest.mark.parametrize(
    ("noun", "act"),
    [
        ("flow-run", "text = text.replace('name: ', 'name: re', 1)"),
        ("deployment", "text = text.replace('version: null', 'version: seven')"),
        ("work-pool", "import re; text = re.sub('concurrency_limit: .*', 'concurrency_limit: 77', text)"),
        ("work-queue", "import re; text = re.sub('concurrency_limit: .*', 'concurrency_limit: 77', text)"),
        ("global-concurrency-limit", "text = text.replace('limit: ', 'limit: 1')"),
        ("notification", "text = text.replace('subject: null', 'subject: seven')"),
        ("block", "text = text.replace('# block', 'seven: 7\\n# block')"),
    ],
)
def test_every_noun(edit: Edit, podium: Podium, garden: dict[str, str], noun: str, act: str) -> None:
    """Each that can be edited, as its editor and its server take it."""
    unchanged = edit(noun, garden[noun])
    assert (unchanged.code, unchanged.lines[-1]) == (0, "Nothing was changed.")
    if noun == "block":
        return
    changed = edit(noun, garden[noun], act=act, typed="y\n")
    assert changed.code == 0, changed.text
    assert "Changed " in changed.lines[-1]
