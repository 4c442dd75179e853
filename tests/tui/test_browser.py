"""The dashboard in a browser: who is let in, and that nothing comes from elsewhere."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from podium.tui.browser import serving
from tests.e2e import browser
from tests.server.conftest import LiveServer


@pytest.fixture
def address(server: LiveServer, planted: dict[str, str], free_port: int, home: Path) -> Iterator[str]:
    """What `podium dashboard --web` prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "podium", "dashboard", "--web", "--port", str(free_port), "--view", "flow"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "PODIUM_API_URL": server.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        yield process.stdout.readline().strip()
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert "Traceback" not in said


def test_only_who_has_the_address_is_let_in(address: str) -> None:
    found = re.fullmatch(r"(http://127\.0\.0\.1:\d+)/\?token=(\S{40,})", address)
    assert found, address
    url, token = found.groups()
    with httpx.Client(base_url=url) as stranger:
        assert stranger.get("/").status_code == 403
        assert stranger.get("/static/js/textual.js").status_code == 403
        assert stranger.get("/ws").status_code == 403
        assert stranger.get("/", params={"token": f"{token}x"}).status_code == 403
    with httpx.Client(base_url=url, follow_redirects=True) as operator:
        page = operator.get("/", params={"token": token})
        assert page.status_code == 200
        assert token not in page.text
        assert set(re.findall(r"https?://[\w.:]+", page.text)) <= {url}
        assert operator.get("/", headers={"Origin": "http://elsewhere.example"}).status_code == 403
        assert operator.get("/", headers={"Host": "elsewhere.example"}).status_code == 403


@pytest.mark.slow
@pytest.mark.skipif(browser.find() is None, reason="no Chromium")
def test_the_page_shows_the_dashboard(address: str, tmp_path: Path) -> None:
    origin, _, rest = address.partition("/?")
    with browser.browse(tmp_path, origin) as page:
        visit = page.open(f"/?{rest}")
        page.settle(2.0)
        assert not visit.problems
        assert "-first-byte" in page.evaluate("document.body.className")


def test_a_port_that_is_taken_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    from podium.cli.app import main

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["dashboard", "--web", "--port", str(port)]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", f"Error: Port {port} of this machine is taken; --port chooses another.\n")


def test_without_the_extra_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from podium.cli.app import main

    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    monkeypatch.delitem(sys.modules, serving.__name__)
    assert main(["dashboard", "--web"]) == 2
    assert "pip install 'podium[web]'" in capsys.readouterr().err
