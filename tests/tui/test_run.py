"""A flow run on the screen: its parts, live, and the way to what belongs to it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from podium.tui.widgets.timeline import Timeline
from tests.backing import free_port
from tests.cli.processes import ServerProcess
from tests.tui.stage import Stage, staged
from tests.tui.story import Story

Tell = Callable[..., Story]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API of a server process."""
    with ServerProcess(tmp_path_factory.mktemp("server"), free_port()) as server:
        yield f"{server.until_ready().url}/api"


@pytest.fixture
def tell(url: str) -> Iterator[Tell]:
    """Makes runs: ``tell("calm-otter", state="FAILED")``."""
    with ExitStack() as stack:
        yield lambda name, **fields: stack.enter_context(Story(url, name, **fields))


async def opened(stage: Stage, story: Story) -> Stage:
    """The run on the screen."""
    await stage.see(story.name)
    await stage.press("enter")
    await stage.see(f"Flow run {story.name}", "1 Overview", "States")
    return stage


async def test_the_overview_tells_what_it_is_and_its_states(url: str, tell: Tell) -> None:
    story = tell("calm-otter", tags=["nightly", "eu"])
    story.become("FAILED", message="it broke: naïve 日本語")
    async with staged(url, "flow-run name=calm-otter") as stage:
        await opened(stage, story)
        screen = await stage.see("nightly-etl", "Failed", "it broke: naïve 日本語", "nightly, eu")
        assert [screen.index(word) for word in ("Pending", "Running")] == sorted(
            screen.index(word) for word in ("Pending", "Running")
        )
        await stage.press("y")
        await stage.see(f'"id": "{story.id}"')
        await stage.press("y")
        await stage.see("States")


async def test_it_changes_as_the_run_does(url: str, tell: Tell) -> None:
    story = tell("lively-lynx")
    async with staged(url, "flow-run name=lively-lynx") as stage:
        await opened(stage, story)
        await stage.see("● Running")
        story.become("COMPLETED")
        await stage.see("● Completed")
        await stage.press("2")
        await stage.miss("States")
        task = story.task("late-task", state="RUNNING")
        await stage.see("● late-task")
        story.task_becomes(task, "FAILED")
        await stage.see("✗ late-task")


async def test_the_timeline_shows_each_run_as_a_bar_and_opens_it(url: str, tell: Tell) -> None:
    story = tell("timely-tapir")
    first = story.task("extract")
    story.task("transform", (first,), "FAILED")
    story.subflow("inner-audit")
    story.task("waiting-one", state="PENDING")
    async with staged(url, "flow-run name=timely-tapir") as stage:
        await opened(stage, story)
        await stage.press("2")
        screen = await stage.see("✓ extract", "✗ transform", "● audit / inner-audit", "○ waiting-one", "╷0")
        bars = {line.split()[1]: line for line in screen.splitlines() if line[:1] in "✓✗●○" and line}
        assert "█" in bars["audit"] or "▏" in bars["audit"]
        assert "┈" in bars["waiting-one"]
        await stage.press("z", "z", "0")
        await stage.press("j", "enter")
        await stage.see("Task run transform")
        await stage.press("escape", "j", "enter")
        await stage.see("Flow run inner-audit", "1 Overview")
        await stage.press("J")
        await stage.see("Flow run timely-tapir")


async def test_what_runs_grows_and_nothing_happens_while_it_is_hidden(url: str, tell: Tell) -> None:
    story = tell("growing-gecko")
    story.task("endless", state="RUNNING")
    async with staged(url, "flow-run name=growing-gecko") as stage:
        await opened(stage, story)
        await stage.press("2")
        line = next(line for line in (await stage.see("● endless")).splitlines() if "endless" in line)
        await stage.miss(line.split()[-1])  # it took longer since
        run: Any = stage.app.view
        assert run._ticking is not None
        await stage.go("variable")
        await stage.see("Variables")
        assert run._ticking is None
        assert run._listening is None


async def test_the_graph_shows_what_waited_for_what(url: str, tell: Tell) -> None:
    story = tell("branchy-badger")
    first = story.task("extract")
    middle = [story.task(f"transform-{number}", (first,)) for number in range(3)]
    story.task("load", tuple(middle), "RUNNING")
    async with staged(url, "flow-run name=branchy-badger") as stage:
        await opened(stage, story)
        await stage.press("3")
        screen = await stage.see("ALSO AFTER", "↓ load", "transform-0, transform-1")
        lines = [line[2:30].rstrip() for line in screen.splitlines()[3:8]]
        assert [line.split("  ")[0] if line[0] != " " else line[2:].split("  ")[0] for line in lines] == [
            "extract",
            "├─transform-0",
            "├─transform-1",
            "└─transform-2",
            "↓ load",
        ]
        await stage.press("/", "load", "enter", "enter")
        await stage.see("Task run load")


async def test_parameters_and_inputs_are_json(url: str, tell: Tell) -> None:
    story = tell("given-gnu", parameters={"day": "2026-05-06", "deep": {"list": [1, None]}})
    story.post(f"/flow_runs/{story.id}/input", {"key": "answer", "value": '{"approved": true}', "sender": "somebody"})
    async with staged(url, "flow-run name=given-gnu") as stage:
        await opened(stage, story)
        await stage.press("4")
        await stage.see("Parameters", '"day": "2026-05-06"', "Input answer from somebody", '"approved": true')


async def test_artifacts_are_shown_as_what_they_are(url: str, tell: Tell) -> None:
    story = tell("artful-alpaca")
    progress = story.make("progress", 12.5)
    story.make("table", '[{"table": "orders", "rows": 3}]', "tables")
    story.make("image", "https://example.com/plot.png", "plot")
    story.make("markdown", "[The dashboard](https://example.com/board)", "link")
    story.make("markdown", "# Report\n\nAll **is** well, see [this](https://example.com/this).", "report")
    async with staged(url, "flow-run name=artful-alpaca", (100, 40)) as stage:
        await opened(stage, story)
        await stage.press("5")
        await stage.see(
            "report", "link", "plot", "tables", "without a key", "Report", "All is well", "example.com/this"
        )
        await stage.press("j")
        await stage.see("The dashboard  https://example.com/board")
        await stage.press("j")
        await stage.see("Image at https://example.com/plot.png")
        await stage.press("j")
        await stage.see("TABLE   ROWS", "orders  3")
        await stage.press("j")
        await stage.see("12.5 %")
        story.api.patch(f"/artifacts/{progress}", json={"data": 75.0})  # has no key, so no event tells of it
        await stage.see("75 %")
        await stage.press("enter")
        await stage.see("Artifact", "75 %", "progress")
        await stage.press("J")
        await stage.see("Flow run artful-alpaca")


async def test_markdown_is_loaded_when_it_is_shown() -> None:
    code = "import sys, podium.tui.panes.artifacts; print('textual.widgets._markdown' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


async def test_a_run_that_waits_says_why(url: str, tell: Tell) -> None:
    story = tell("patient-panda")
    story.post("/work_pools/", {"name": "empty-pool", "type": "process"})
    deployment = {"name": "waiting", "flow_id": story.flow_id, "work_pool_name": "empty-pool"}
    deployment_id = story.post("/deployments/", deployment)["id"]
    story.post(f"/deployments/{deployment_id}/create_flow_run", {"name": "stuck-swan"})
    async with staged(url, "flow-run name=stuck-swan") as stage:
        await stage.see("stuck-swan")
        await stage.press("enter")
        await stage.see("Flow run stuck-swan", "why", "No worker of the work pool 'empty-pool'")
        await stage.press("x")
        await stage.see("Why stuck-swan is where it is", "no_worker", "fix", "pool", "empty-pool", "as of")
        story.api.patch("/work_pools/empty-pool", json={"is_paused": True})
        await stage.see("pool_paused")
        await stage.press("c")
        await stage.see("Copied: podium work-pool resume")
        await stage.press("y")
        await stage.see('"code": "pool_paused"')
        await stage.press("escape")
        await stage.see("Flow run stuck-swan")
        await stage.press("J")
        await stage.see("Deployment nightly-etl/waiting")
        await stage.press("J")
        await stage.see("Flow nightly-etl")


async def test_tabs_turn_the_parts_and_acts_are_there(url: str, tell: Tell) -> None:
    story = tell("turning-toad")
    story.task("only")
    async with staged(url, "flow-run name=turning-toad") as stage:
        await opened(stage, story)
        for text in ("╷0", "ALSO AFTER", "Parameters\n", "KEY", "following", "States", "following"):
            await stage.press("shift+tab" if text == "following" and "States" in stage.text else "tab")
            await stage.see(text)
        await stage.press("1", "c")
        await stage.see("Cancel flow run 'turning-toad'?", "$ podium flow-run cancel")
        await stage.press("y")
        await stage.see("Cancel")


@pytest.mark.parametrize("pane", "123456")
async def test_a_run_of_nothing_and_one_that_is_gone(url: str, tell: Tell, pane: str) -> None:
    story = tell(f"empty-{pane}")
    async with staged(url, f"flow-run name=empty-{pane}") as stage:
        await opened(stage, story)
        await stage.press(pane)
        await stage.see("Running")
        assert story.api.delete(f"/flow_runs/{story.id}").status_code == 204
        await stage.press("r")
        await stage.see("There is no flow run", "deleted")


async def test_a_thousand_tasks_stay_fast(url: str, tell: Tell) -> None:
    """Moving and painting look at what is in sight: a key takes a few milliseconds of the processor."""
    story = tell("wide-wombat")
    for number in range(10):
        story.task(f"part-{number}")
    async with staged(url, "flow-run name=wide-wombat") as stage:
        await opened(stage, story)
        await stage.press("2")
        await stage.see("part-9")
        timeline = stage.app.screen.query_one(Timeline)
        timeline.show([node for _ in range(100) for node in timeline.nodes], None)
        start = time.process_time()
        for _ in range(100):
            timeline.move_to((timeline.cursor + 37) % 1000)
            timeline.render_lines(timeline.size.region)
        assert (time.process_time() - start) / 100 < 0.03


async def test_a_command_that_podium_runs(url: str, tmp_path: Path) -> None:
    """`podium run` on one side, its flow run with its log on the other."""
    environ = {**os.environ, "PODIUM_API_URL": url, "PODIUM_HOME": str(tmp_path)}
    script = "import time; print('it begins', flush=True); time.sleep(3); print('it ends')"
    command = [sys.executable, "-m", "podium", "run", "--name", "shelled", "--", sys.executable, "-c", script]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        async with staged(url, "flow-run name=shelled") as stage:
            await stage.see("shelled", "Running")
            await stage.press("enter", "6")
            await stage.see("it begins", "● following")
            await stage.see("it ends", "● Completed")
        assert process.wait(20) == 0
