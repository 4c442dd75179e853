"""`podium notification deliveries`: what is sent, was sent, or was given up."""

from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.deliveries import DELIVERY

app = group("See what was sent or given up, and send it again.")

add_verbs(
    app,
    DELIVERY,
    {
        "ls": "podium notification deliveries ls --state dead",
        "inspect": "podium notification deliveries inspect 0198a3c2-7b1e-7c3d-9f00-1d2e3f405162",
        "replay": "podium notification deliveries replay --state dead --channel my-slack-webhook",
        "delete": "podium notification deliveries delete --state dead",
    },
)
