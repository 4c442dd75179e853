"""`podium experimental`: a word that others know some commands by."""

from podium.cli.tree import group

app = group("Words that others know some commands by.")
