"""The table of commands.

A new group is a row here and a module with `app = group("…")`. The module is imported when one of its commands is
called; help and the suggestions for a mistyped name come from the rows.
"""

from typing import Final, NamedTuple


class Row(NamedTuple):
    """A command or group: the words that call it, the module that holds it, and one line of help.

    The words of a group inside a group are both names: `server database`. ``aliases`` are other words for the last.
    ``section`` is the heading in help.
    """

    words: str
    module: str
    help: str
    aliases: tuple[str, ...] = ()
    section: str = "Commands"


SECTIONS: Final[dict[str, tuple[Row, ...]]] = {
    "Runs": (
        Row("flow", "podium.cli.groups.flow", "See and delete flows.", ("flows",)),
        Row(
            "flow-run", "podium.cli.groups.flow_run", "See, cancel, retry and follow the runs of flows.", ("flow-runs",)
        ),
        Row("flow-run explain", "podium.cli.groups.explain", "Tell why a flow run is where it is."),
        Row("task-run", "podium.cli.groups.task_run", "See the runs of tasks and their logs.", ("task-runs",)),
        Row("log", "podium.cli.groups.log", "List the log lines of all runs.", ("logs",)),
        Row("run", "podium.cli.groups.run", "Run any command as a flow run."),
        Row("schedule", "podium.cli.groups.schedule", "Have commands run on a schedule, by podium worker."),
    ),
    "Deployments and workers": (
        Row(
            "deployment", "podium.cli.groups.deployment", "See, run, pause and schedule deployments.", ("deployments",)
        ),
        Row(
            "deployment schedule",
            "podium.cli.groups.deployment_schedule",
            "See, add, pause and delete schedules.",
            ("schedules",),
        ),
        Row("work-pool", "podium.cli.groups.work_pool", "See, make, pause and limit work pools.", ("work-pools",)),
        Row(
            "work-pool storage",
            "podium.cli.groups.work_pool_storage",
            "See and choose where the runs of a pool keep results.",
        ),
        Row(
            "work-pool storage configure",
            "podium.cli.groups.work_pool_storage_configure",
            "Choose where the runs of a pool keep results.",
        ),
        Row("work-queue", "podium.cli.groups.work_queue", "See, make, pause and limit work queues.", ("work-queues",)),
        Row("worker", "podium.cli.groups.worker", "Run, see and forget the workers of work pools.", ("workers",)),
        Row(
            "concurrency-limit",
            "podium.cli.groups.concurrency_limit",
            "See, make and reset limits of task runs by tag.",
            ("concurrency-limits",),
        ),
        Row(
            "global-concurrency-limit",
            "podium.cli.groups.global_concurrency_limit",
            "See, make and switch limits of anything by name.",
            ("gcl", "global-concurrency-limits"),
        ),
    ),
    "Data": (
        Row("block", "podium.cli.groups.block", "See, make, edit and delete blocks.", ("blocks",)),
        Row("block type", "podium.cli.groups.block_type", "See the types of blocks and their fields.", ("types",)),
        Row("variable", "podium.cli.groups.variable", "See, set and delete variables.", ("variables",)),
        Row("artifact", "podium.cli.groups.artifact", "See and delete the artifacts of runs.", ("artifacts",)),
        Row("result-storage", "podium.cli.groups.result_storage", "See and choose the block that keeps results."),
        Row("apply", "podium.cli.groups.apply", "Make the server be as files say."),
        Row("export", "podium.cli.groups.export", "Write what the server has as files."),
        Row("import", "podium.cli.groups.imports", "Copy what another server has."),
    ),
    "Reactions": (
        Row(
            "automation", "podium.cli.groups.automation", "See, make, pause and explain automations.", ("automations",)
        ),
        Row(
            "notification",
            "podium.cli.groups.notification",
            "Be told of the runs that fail, crash or are late.",
            ("notifications", "notify"),
        ),
        Row(
            "notification deliveries",
            "podium.cli.groups.notification_deliveries",
            "See what was sent or given up, and send it again.",
            ("delivery",),
        ),
        Row("webhook", "podium.cli.groups.webhook", "Make events of what other programs call.", ("webhooks",)),
        Row("event", "podium.cli.groups.event", "List, follow and emit events.", ("events",)),
    ),
    "This machine and the server": (
        Row("server", "podium.cli.groups.server", "Start and stop the server, and see how it is."),
        Row("server check", "podium.cli.groups.check", "Prove what a server needs, before it is started."),
        Row("server database", "podium.cli.groups.database", "Migrate, check and clear up the server's database."),
        Row("server database backup", "podium.cli.groups.backup", "Keep everything in a file, while the server runs."),
        Row("server database restore", "podium.cli.groups.restore", "Put what a backup holds into an empty database."),
        Row("server database verify", "podium.cli.groups.verify", "Prove that a backup is whole."),
        Row("server services", "podium.cli.groups.services", "See and start what the server does in the background."),
        Row("dashboard", "podium.cli.groups.dashboard", "Open the live dashboard in this terminal."),
        Row("doctor", "podium.cli.groups.doctor", "Look for what is wrong, and how to mend it."),
        Row("healthcheck", "podium.cli.groups.healthcheck", "Ask a process whether it is well."),
        Row("config", "podium.cli.groups.config", "See, set, check and explain settings."),
        Row("profile", "podium.cli.groups.profile", "Keep settings under a name and choose among them.", ("profiles",)),
        Row("api", "podium.cli.groups.api", "Call the API with the profile's credentials."),
        Row("completion", "podium.cli.groups.completion", "Complete commands and names in a shell."),
        Row("help", "podium.cli.groups.help", "Explain exit codes, environment and formatting."),
        Row("version", "podium.cli.groups.version", "Show the versions of Podium and what it runs on."),
        Row("experimental", "podium.cli.groups.experimental", "Words that others know some commands by."),
        Row(
            "experimental result-storage",
            "podium.cli.groups.result_storage",
            "See and choose the block that keeps results.",
        ),
    ),
}
"""The rows under the headings of `podium --help`, in its order."""

ROWS: Final = tuple(
    row if " " in row.words else row._replace(section=title) for title, rows in SECTIONS.items() for row in rows
)
