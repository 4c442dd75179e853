"""The table of commands.

A new group is a row here and a module with `app = group("…")`. The module is imported when one of its commands is
called; help and the suggestions for a mistyped name come from the rows.
"""

from typing import Final, NamedTuple


class Row(NamedTuple):
    """A command or group: the words that call it, the module that holds it, and one line of help.

    The words of a group inside a group are both names: `server database`.
    """

    words: str
    module: str
    help: str


ROWS: Final = (
    Row("config", "podium.cli.groups.config", "See, set, check and explain settings."),
    Row("flow-run", "podium.cli.groups.flow_run", "See the runs of flows, their states and their logs."),
    Row("flow-run explain", "podium.cli.groups.explain", "Tell why a flow run is where it is."),
    Row("healthcheck", "podium.cli.groups.healthcheck", "Ask a process whether it is well."),
    Row("profile", "podium.cli.groups.profile", "Keep settings under a name and choose among them."),
    Row("server", "podium.cli.groups.server", "Start and stop the server, and see how it is."),
    Row("server check", "podium.cli.groups.check", "Prove what a server needs, before it is started."),
    Row("server database", "podium.cli.groups.database", "Migrate, check and clear up the server's database."),
    Row("server database backup", "podium.cli.groups.backup", "Keep everything in a file, while the server runs."),
    Row("server database restore", "podium.cli.groups.restore", "Put what a backup holds into an empty database."),
    Row("server database verify", "podium.cli.groups.verify", "Prove that a backup is whole."),
    Row("server services", "podium.cli.groups.services", "See and start what the server does in the background."),
    Row("version", "podium.cli.groups.version", "Show the versions of Podium and what it runs on."),
)
