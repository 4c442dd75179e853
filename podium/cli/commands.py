"""The table of commands.

A new group is a row here and a module with `app = group("…")`. The module is imported when one of its commands is
called; help and the suggestions for a mistyped name come from the rows.
"""

from typing import Final, NamedTuple


class Row(NamedTuple):
    """A command or group: the words that call it, the module that holds it, and one line of help.

    The words of a group inside a group are both names: `server database`. ``aliases`` are other words for the last.
    """

    words: str
    module: str
    help: str
    aliases: tuple[str, ...] = ()


ROWS: Final = (
    Row("flow", "podium.cli.groups.flow", "See and delete flows.", ("flows",)),
    Row(
        "flow-run",
        "podium.cli.groups.flow_run",
        "See the runs of flows and their logs; cancel, retry, follow.",
        ("flow-runs",),
    ),
    Row("task-run", "podium.cli.groups.task_run", "See the runs of tasks and their logs.", ("task-runs",)),
    Row("deployment", "podium.cli.groups.deployment", "See, run, pause and schedule deployments.", ("deployments",)),
    Row(
        "deployment schedule",
        "podium.cli.groups.deployment_schedule",
        "See, add, pause and delete schedules.",
        ("schedules",),
    ),
    Row("work-pool", "podium.cli.groups.work_pool", "See, make, pause and limit work pools.", ("work-pools",)),
    Row(
        "automation",
        "podium.cli.groups.automation",
        "See, make, pause and explain automations.",
        ("automations",),
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
    Row("config", "podium.cli.groups.config", "See, set, check and explain settings."),
    Row("healthcheck", "podium.cli.groups.healthcheck", "Ask a process whether it is well."),
    Row("profile", "podium.cli.groups.profile", "Keep settings under a name and choose among them.", ("profiles",)),
    Row("server", "podium.cli.groups.server", "Start and stop the server, and see how it is."),
    Row("server check", "podium.cli.groups.check", "Prove what a server needs, before it is started."),
    Row("server database", "podium.cli.groups.database", "Migrate, check and clear up the server's database."),
    Row("server services", "podium.cli.groups.services", "See and start what the server does in the background."),
    Row("version", "podium.cli.groups.version", "Show the versions of Podium and what it runs on."),
)
