"""Editing and making things: the editor, the difference, the question, and what the server says."""

from typing import Any

import httpx
import pytest

from podium.client.nouns.registry import NOUNS, noun_of
from tests.server.conftest import LiveServer
from tests.tui.editing import ScriptedEditor, editor
from tests.tui.stage import Stage, staged

__all__ = ["editor"]

EDITED = [name for name in NOUNS if noun_of(name).edits]
MADE = [name for name in NOUNS if noun_of(name).creates]


@pytest.fixture
def api(server: LiveServer) -> Any:
    with httpx.Client(base_url=server.url, timeout=20) as api:
        yield api


def variable(api: httpx.Client, name: str, value: Any) -> None:
    api.post("/variables/", json={"name": name, "value": value, "tags": ["eu"]})


def value_of(api: httpx.Client, name: str) -> Any:
    return api.get(f"/variables/name/{name}").json()["value"]


async def test_an_edit_shows_the_difference_and_the_command_and_is_made_by_y_alone(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    variable(api, "retries", 3)
    editor.will(("value: 3", "value: 5"))
    async with staged(server.url, "variable retries") as stage:
        await stage.see("retries", "e edit")
        await stage.press("e")
        await stage.see("Change variable retries?", "-value: 3", "+value: 5")
        await stage.see("$ podium variable edit retries --value 5")
        await stage.press("enter")
        await stage.see("Change variable retries?")
        assert value_of(api, "retries") == 3
        await stage.press("y")
        await stage.see("Changed value of variable 'retries'.", "5")
    assert value_of(api, "retries") == 5
    assert editor.seen[0].startswith("# variable retries: change what you like")
    assert editor.drafts == []


async def test_n_and_escape_leave_all_as_it_is(server: LiveServer, api: httpx.Client, editor: ScriptedEditor) -> None:
    variable(api, "kept", 1)
    async with staged(server.url, "variable kept") as stage:
        for key in ("n", "escape"):
            editor.will(("value: 1", "value: 2"))
            await stage.see("kept")
            await stage.press("e")
            await stage.see("Change variable kept?")
            await stage.press(key)
            await stage.miss("Change variable kept?")
    assert value_of(api, "kept") == 1
    assert [draft.partition("\n")[2] for draft in editor.drafts] == ["name: kept\nvalue: 2\ntags:\n  - eu\n"] * 2


async def test_what_is_no_yaml_is_told_with_its_line_and_edited_again(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    variable(api, "broken", 3)
    editor.will(("value: 3", "value: [3"), ("value: [3", "value: 4"))
    async with staged(server.url, "variable broken") as stage:
        await stage.see("broken")
        await stage.press("e")
        await stage.see("This cannot be used", "this is not YAML", "line ", "e edit again")
        await stage.press("e")
        await stage.see("+value: 4")
        await stage.press("y")
        await stage.see("Changed value")
    assert value_of(api, "broken") == 4
    assert "value: [3" in editor.seen[1]


async def test_what_somebody_else_changed_meanwhile_is_shown_before_it_is_overwritten(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    variable(api, "shared", 3)
    async with staged(server.url, "variable shared") as stage:
        for answer in ("n", "y"):
            api.patch("/variables/name/shared", json={"value": 3})
            editor.will(("value: 3", "value: 4"))
            await stage.see("shared")
            await stage.press("e")
            await stage.see("Change variable shared?")
            api.patch("/variables/name/shared", json={"value": "theirs", "tags": ["other"]})
            await stage.press("y")
            await stage.see("Somebody else changed value of variable shared", "-value: 3", "+value: theirs")
            await stage.press(answer)
            await stage.see("What you wrote is in" if answer == "n" else "Changed value")
            assert value_of(api, "shared") == ("theirs" if answer == "n" else 4)
    assert api.get("/variables/name/shared").json()["tags"] == ["other"]


async def test_a_field_that_is_none_is_told(server: LiveServer, api: httpx.Client, editor: ScriptedEditor) -> None:
    variable(api, "closed", 3)
    editor.will(("value: 3", "value: 3\nid: x"))
    async with staged(server.url, "variable closed") as stage:
        await stage.see("closed")
        await stage.press("e")
        await stage.see("id cannot be edited; known are name, value, tags.")
        await stage.press("escape")
        await stage.miss("id cannot be edited")


async def test_nothing_changed_is_nothing_sent(server: LiveServer, api: httpx.Client, editor: ScriptedEditor) -> None:
    variable(api, "same", 3)
    before = api.get("/variables/name/same").json()["updated"]
    editor.will(("value: 3", "value:   3"))
    async with staged(server.url, "variable same") as stage:
        await stage.see("same")
        await stage.press("e")
        await stage.see("Nothing was changed.")
    assert api.get("/variables/name/same").json()["updated"] == before
    assert editor.drafts == []


async def test_what_the_server_refuses_is_told_and_not_lost(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    variable(api, "refused", 3)
    editor.will(("name: refused", "name: Not a name"), ("name: Not a name", "name: accepted"))
    async with staged(server.url, "variable refused") as stage:
        await stage.see("refused")
        await stage.press("e")
        await stage.see("Change variable refused?")
        await stage.press("y")
        await stage.see("It was not done", "name:")
        await stage.press("e")
        await stage.see("+name: accepted")
        await stage.press("y")
        await stage.see("Changed name")
    assert value_of(api, "accepted") == 3


async def test_an_editor_that_fails_says_so_and_gives_the_screen_back(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable(api, "failing", 3)
    editor.will(("exit", 3))
    async with staged(server.url, "variable failing") as stage:
        await stage.see("failing")
        await stage.press("e")
        await stage.see("with code 3")
        monkeypatch.setenv("EDITOR", "/no/such/editor")
        await stage.press("e")
        await stage.see("No such file or")
        await stage.see("failing")


async def test_a_read_only_dashboard_edits_and_makes_nothing(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    variable(api, "fixed", 3)
    async with staged(server.url, "variable fixed", read_only=True) as stage:
        await stage.see("fixed", "read-only")
        await stage.press("e")
        await stage.see("Edit is not", "read-only")
        await stage.press("n")
        await stage.see("New is not")
        stage.app.clear_notifications()
        await stage.press("d", "e")
        await stage.see("Variable fixed", "Edit is not")
    assert editor.seen == []


async def test_a_secret_that_is_typed_is_neither_shown_nor_in_the_command(
    server: LiveServer, planted: dict[str, str], editor: ScriptedEditor
) -> None:
    editor.will(("********", "hunter2"))
    async with staged(server.url, "block") as stage:
        await stage.see("secret/password")
        await stage.press("e")
        screen = await stage.see('+value: "******** (another)"', "--field value=@FILE")
        assert "hunter2" not in screen
        await stage.press("y")
        await stage.see("Changed value of block")
        await stage.press("d")
        assert "hunter2" not in await stage.see("Block secret/password", "********")
    with httpx.Client(base_url=server.url) as api:
        read = api.get("/block_types/slug/secret/block_documents/name/password?include_secrets=true").json()
    assert read["data"] == {"value": "hunter2"}


@pytest.mark.parametrize("name", EDITED)
async def test_every_noun_that_can_be_edited_is_edited_from_its_list_and_its_details(
    server: LiveServer, planted: dict[str, str], editor: ScriptedEditor, name: str
) -> None:
    fields = noun_of(name).edits.fields  # type: ignore[union-attr]
    async with staged(server.url, name, (100, 30)) as stage:
        await stage.see("online")
        await stage.miss("none")
        for keys in (["e"], ["d", "e"]):
            editor.will(("\n", "\n# \n"))
            await stage.press(*keys[:-1])
            await stage.see("json" if len(keys) > 1 else "describe")
            await stage.press(keys[-1])
            await stage.see("Nothing was changed.")
            await _forget(stage)
    if name != "block":
        assert all(f"\n{field}:" in text for field in fields for text in editor.seen)
    assert len(editor.seen) == 2


async def _forget(stage: Stage) -> None:
    """Takes what is told away, so that it is seen anew."""
    stage.app.clear_notifications()
    await stage.miss("Nothing was changed.")


@pytest.mark.parametrize("name", MADE)
async def test_what_is_as_the_template_makes_nothing(
    server: LiveServer, planted: dict[str, str], editor: ScriptedEditor, name: str
) -> None:
    editor.will(("\n", "\n# \n"))
    async with staged(server.url, name) as stage:
        await stage.see("online")
        await stage.press("n")
        await stage.see("Nothing was made.")
    assert f"# A new {noun_of(name).words}" in editor.seen[0]


async def test_a_variable_is_made_where_there_is_none(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    editor.will(('name: ""\nvalue: ""', "name: brand_new\nvalue: {a: 1}"))
    async with staged(server.url, "variable brand_new") as stage:
        await stage.see("none")
        await stage.press("n")
        await stage.see("Make this variable?", "$ podium variable set brand_new '{\"a\":1}'")
        await stage.press("y")
        await stage.see("Made variable 'brand_new'.", "brand_new")
    assert value_of(api, "brand_new") == {"a": 1}


async def test_a_queue_is_made_in_the_pool_whose_queues_are_shown(
    server: LiveServer, api: httpx.Client, planted: dict[str, str], editor: ScriptedEditor
) -> None:
    editor.will(('name: ""', "name: fast"))
    async with staged(server.url, "work-pool name=pool") as stage:
        await stage.see("pool")
        await stage.press("q")
        await stage.see("Work queues of pool", "pool/urgent")
        await stage.press("n")
        await stage.see("Make this work queue?", "$ podium work-queue create fast --pool pool")
        await stage.press("y")
        await stage.see("pool/fast")
    assert api.get("/work_pools/pool/queues/fast").status_code == 200


async def test_a_pool_gets_the_template_of_its_type(
    server: LiveServer, api: httpx.Client, editor: ScriptedEditor
) -> None:
    editor.will(('name: ""', "name: made-pool"), ("type: process", "type: no-such"))
    async with staged(server.url, "work-pool made-pool") as stage:
        await stage.see("online")
        await stage.press("n")
        await stage.see("$ podium work-pool create made-pool")
        await stage.press("e")
        await stage.see("--type no-such")
        await stage.press("y")
        await stage.see("There is no type of work pool 'no-such'")
        await stage.press("escape")
        editor.will(('name: ""', "name: made-pool"))
        await stage.press("n")
        await stage.see("Make this work pool?")
        await stage.press("y")
        await stage.see("Made work pool 'made-pool'.")
    assert "command" in api.get("/work_pools/made-pool").json()["base_job_template"]["variables"]["properties"]


async def test_where_the_terminal_cannot_be_handed_over_there_is_an_editor_on_the_screen(
    server: LiveServer, api: httpx.Client
) -> None:
    variable(api, "web", 3)
    async with staged(server.url, "variable web", (120, 30)) as stage:
        await stage.see("web")
        await stage.press("e")
        await stage.see("# variable web", "^s save")
        await stage.press("escape")
        await stage.miss("^s save")
        await stage.press("e")
        await stage.see("^s save")
        await stage.press("down", "down", "end", "backspace", "7", "ctrl+s")
        await stage.see("+value: 7")
        await stage.press("y")
        await stage.see("Changed value")
    assert value_of(api, "web") == 7
