"""Lists of every noun, their filters, pages, marks and acts, against a live server."""

import httpx
import pytest

from podium.tui.screens.listing import Listing
from podium.tui.views import VIEWS, ViewRow, view_named
from tests.server.conftest import LiveServer
from tests.tui.stage import staged

NOUNS = [row for row in VIEWS if row.noun]


@pytest.mark.parametrize("row", NOUNS, ids=[row.name for row in NOUNS])
async def test_every_noun_is_listed_described_and_left(
    server: LiveServer, planted: dict[str, str], row: ViewRow
) -> None:
    async with staged(server.url, row.name, (100, 30)) as stage:
        await stage.see("online")
        await stage.miss("none")
        heading = stage.text.partition("\n")[0]
        assert heading.strip().startswith(row.title)
        await stage.press("d")
        await stage.see("json")
        await stage.press("y")
        await stage.see('"')
        await stage.press("escape")
        await stage.see(row.title)


async def test_a_filter_narrows_and_escape_widens(server: LiveServer, planted: dict[str, str]) -> None:
    async with staged(server.url, "flow-run") as stage:
        await stage.see("first-run", "Failed")
        await stage.press("/", "state=completed", "enter")
        await stage.see("none", "/state=completed")
        await stage.press("escape")
        await stage.see("first-run")


async def test_a_wrong_filter_says_what_there_is(server: LiveServer, planted: dict[str, str]) -> None:
    async with staged(server.url, "flow-run") as stage:
        await stage.see("first-run")
        await stage.press("/", "stat=failed", "enter")
        await stage.see("have no filter 'stat'; did you mean state?")
        await stage.press("escape")
        await stage.miss("have no filter")


async def test_an_act_asks_does_it_and_shows_the_command(server: LiveServer, planted: dict[str, str]) -> None:
    with httpx.Client(base_url=server.url) as api:
        api.post("/variables/", json={"name": "doomed", "value": 1})
        async with staged(server.url, "variable doomed") as stage:
            await stage.see("doomed")
            await stage.press("ctrl+d")
            await stage.see("Delete variable 'doomed'?", "$ podium variable delete doomed")
            await stage.press("enter")
            await stage.see("Delete variable")
            await stage.press("y")
            await stage.see("Deleted variable 'doomed'", "none")
        assert api.get("/variables/name/doomed").status_code == 404


async def test_what_cannot_be_done_says_why(server: LiveServer, planted: dict[str, str]) -> None:
    async with staged(server.url, "flow-run") as stage:
        await stage.see("first-run")
        await stage.press("c")
        await stage.see("the run is", "Failed already")


async def test_read_only_changes_nothing(server: LiveServer, planted: dict[str, str]) -> None:
    async with staged(server.url, "variable", read_only=True) as stage:
        await stage.see("region", "read-only")
        await stage.press("ctrl+d")
        await stage.see("started read-only")
        assert not stage.app.screen.is_modal


async def test_a_list_that_is_left_while_it_loads_is_no_failure(server: LiveServer, planted: dict[str, str]) -> None:
    class Left(Listing):
        async def load(self) -> None:
            self.dashboard.pop_screen()
            await self.query("*").remove()
            await super().load()

    async with staged(server.url, "variable") as stage:
        await stage.see("region")
        stage.app.push_screen(Left(view_named("flow") or VIEWS[0]))
        await stage.see("region")


async def test_many_marked_ask_for_their_number(server: LiveServer) -> None:
    with httpx.Client(base_url=server.url) as api:
        for number in range(12):
            api.post("/variables/", json={"name": f"many_{number:02}", "value": 1})
    async with staged(server.url, "variable many") as stage:
        await stage.see("many_00", "12")
        await stage.press(*["space"] * 12)
        await stage.see("12 marked")
        await stage.press("ctrl+d")
        await stage.see("Delete 12 variables?", "Type 12 and enter", "and 5 more")
        await stage.press("y", "enter", "1", "2", "enter")
        await stage.see("Deleted 12 variables", "none")


async def test_pages_come_from_the_server_and_few_rows_are_held(server: LiveServer) -> None:
    with httpx.Client(base_url=server.url) as api:
        for number in range(150):
            api.post("/flows/", json={"name": f"paged-{number:03}"})
    async with staged(server.url, "flow name=paged") as stage:
        await stage.see("paged-149", "150")
        await stage.press("G")
        await stage.see("paged-000")
        await stage.press("g")
        await stage.see("paged-149")
        await stage.press(*["pagedown"] * 4)
        await stage.see("paged-065")
        assert len(stage.app.view.table.lines) <= 2 * stage.app.view.table.page
