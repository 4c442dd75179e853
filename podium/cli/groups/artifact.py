"""`podium artifact`: artifacts of runs."""

from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.artifacts import ARTIFACT

app = group("See and delete the artifacts of runs.")

add_verbs(
    app,
    ARTIFACT,
    {
        "ls": "podium artifact ls --all --flow-run sassy-mongoose",
        "inspect": "podium artifact inspect report -o json",
        "delete": "podium artifact delete report",
    },
)
