"""The incumbent's two built UIs against this server: what their pages ask for is answered, and they show it."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import browser
from tests.e2e.browser import Page, Visit
from tests.e2e.conftest import PREFECT, Podium, wait_for
from tests.e2e.web_pages import PAGES, generalized, objects, shape, specialized

SERVER = next(PREFECT.parent.glob("lib/python*/site-packages/prefect/server"), PREFECT)
SERVER_SETTINGS = {"PODIUM_UI_STATIC_DIRECTORY": str(SERVER)}

HERE = Path(__file__).parent
REQUESTS = HERE / "ui_requests.json"
"""Every kind of request that the pages made of a server, as the slow tests met it: RECORD_UI_REQUESTS=1 writes it."""

EMPTY = 100
"""Characters a page shows at least: its navigation and something beside it."""


@pytest.fixture(scope="module")
def named(podium: Podium) -> dict[str, str]:
    """The ids of what ``web_seed.py`` made."""
    printed = podium.run((HERE / "web_seed.py").read_text())
    [line] = [line for line in printed.splitlines() if line.startswith("SEED ")]
    wait_for(lambda: podium.post("/events/filter", {"filter": {"event": {"name": ["order.placed"]}}})["events"])
    return objects(podium, json.loads(line.removeprefix("SEED ")))


def test_what_the_pages_ask(podium: Podium, named: dict[str, str]) -> None:
    """Every request that the pages of both UIs were seen to make is answered."""
    origin = podium.url.removesuffix("/api")
    failed = []
    for kind in json.loads(REQUESTS.read_text()):
        url = origin + specialized(kind["path"], named)
        body = None if kind["body"] is None else json.loads(specialized(json.dumps(kind["body"]), named))
        response = podium.api.request(kind["method"], url, json=body)
        if response.status_code >= 400:
            failed.append(f"{response.status_code} {kind['method']} {url} {body}: {response.text[:300]}")
    assert not failed, "\n".join(failed)


@pytest.fixture
def page(podium: Podium, named: dict[str, str]) -> Iterator[Page]:
    """A tab of a real browser."""
    if browser.find() is None:
        pytest.skip(f"browser: none of {', '.join(browser.NAMES)} is on the path")
    with browser.browse(podium.home, podium.url.removesuffix("/api")) as tab:
        yield tab


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("base", PAGES)
def test_pages(clients: Podium, named: dict[str, str], page: Page, base: str) -> None:
    """Every page, with each of its tabs, shows something; no request fails and nothing is wrong in the console."""
    clients.start(str(PREFECT / "prefect"), "worker", "start", "--pool", "local")
    wait_for(lambda: clients.post("/work_pools/local/workers/filter"))
    page.call("Network.setCookie", name="prefect_ui_version", value=base.strip("/") or "v1", url=page.origin)
    wrong: dict[str, list[str]] = {}
    asked: list[dict[str, Any]] = []
    for name, address in PAGES[base].items():
        visit = page.open(base + address.format(**named))
        problems = [] if len(visit.text) > EMPTY else [f"shows only {visit.text!r}"]
        for tab in page.tabs()[1:]:
            if page.click(tab, "[role=tab]"):
                page.settle()
        problems += _problems(visit)
        if problems:
            wrong[name] = problems
        asked += _requests(visit, named)
    assert not wrong, json.dumps(wrong, indent=1)
    _compare(asked)


def _problems(visit: Visit) -> list[str]:
    """What is wrong on a page, but for what the incumbent refuses as well.

    For an artifact of no task run the newer UI asks for the task run whose id is the empty text.
    """
    own = [each for each in visit.exchanges if each.failed and '"any_":[""]' in (each.body or "")]
    assert all(each.status == 422 for each in own)
    lines = {f"{each.method} {each.url}: 422 " for each in own}
    lines |= {line for line in visit.errors if "status of 422" in line and any(each.url in line for each in own)}
    return [line for line in visit.problems if line not in lines]


def _requests(visit: Visit, named: dict[str, str]) -> list[dict[str, Any]]:
    """What a page asked of the API, in general terms."""
    origin = visit.url.split("/", 3)[:3]
    kinds = []
    for each in visit.exchanges:
        path = each.url.removeprefix("/".join(origin))
        if each.failed:
            continue
        if path.startswith("/api/") or path.endswith("/ui-settings"):
            body = None if each.body is None else json.loads(generalized(each.body, named))
            kinds.append({"method": each.method, "path": generalized(path, named), "body": body})
    return kinds


def _kind(request: dict[str, Any]) -> str:
    return json.dumps([request["method"], request["path"], shape(request["body"])])


def _compare(asked: list[dict[str, Any]]) -> None:
    """Holds requests against those that are recorded, or adds them there when that is wanted."""
    recorded = json.loads(REQUESTS.read_text()) if REQUESTS.exists() else []
    known = {_kind(each): each for each in recorded}
    if os.environ.get("RECORD_UI_REQUESTS"):
        known = {**{_kind(each): each for each in asked}, **known}
        lines = ",\n".join(json.dumps(known[kind]) for kind in sorted(known))
        REQUESTS.write_text(f"[\n{lines}\n]\n")
        return
    paths = {(each["method"], each["path"]) for each in recorded}
    unknown = {(each["method"], each["path"]) for each in asked} - paths
    assert not unknown, f"not in {REQUESTS.name}, RECORD_UI_REQUESTS=1 adds them: {sorted(unknown)}"
