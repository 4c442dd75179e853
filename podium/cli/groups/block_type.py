"""`podium block type`: the types of blocks."""

from podium.cli.tree import group
from podium.cli.verbs import add_verbs
from podium.client.nouns.blocks import BLOCK_TYPE

app = group("See the types of blocks and their fields.")

add_verbs(
    app,
    BLOCK_TYPE,
    {
        "ls": "podium block type ls --name s3",
        "inspect": "podium block type inspect secret",
        "delete": "podium block type delete my-type",
    },
)
