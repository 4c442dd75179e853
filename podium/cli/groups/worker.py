"""`podium worker`: the workers of work pools."""

from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.workers import WORKER

app = group("See and forget the workers of work pools.")

add_verbs(
    app,
    WORKER,
    {
        "ls": "podium worker ls --status online",
        "inspect": "podium worker inspect default/process-1",
        "delete": "podium worker delete --status offline --yes",
    },
)
