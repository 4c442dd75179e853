"""`podium flow`: flows."""

from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.flows import FLOW

app = group("See and delete flows.")

add_verbs(
    app,
    FLOW,
    {
        "ls": "podium flow ls --tag nightly --sort updated",
        "inspect": "podium flow inspect etl",
        "delete": "podium flow delete etl --dry-run",
    },
)
