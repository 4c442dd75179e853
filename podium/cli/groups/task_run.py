"""`podium task-run`: the runs of tasks."""

from podium.cli.run_logs import add_logs
from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.task_runs import TASK_RUN

app = group("See the runs of tasks and their logs.")

add_verbs(
    app,
    TASK_RUN,
    {
        "ls": "podium task-run ls --flow-run sassy-mongoose --state failed",
        "inspect": "podium task-run inspect extract-0",
        "delete": "podium task-run delete 0199f2a6-7e1c-7d3e-a1f0-5b1f0c7e9a55",
    },
)
add_logs(app, TASK_RUN, "task_run_id", "podium task-run logs extract-0")
