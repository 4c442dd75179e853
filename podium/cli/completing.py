"""Names for the shell to complete: those of the server, asked for quickly or not at all."""

from typing import Any

from podium.client.nouns.values import STATE_NAMES, STATE_TYPES

SECONDS = 0.8
"""How long a shell may wait; a server that takes longer completes nothing."""
MOST = 50

STATES = (*(each.capitalize() for each in STATE_TYPES), "Late", *STATE_NAMES, "Suspended", "Retrying")


def live_names(context: Any, noun: str, incomplete: str) -> list[str]:
    """The names of a noun that begin like this."""
    if noun in ("state", "state-type"):
        words = [each.lower() for each in STATE_TYPES] if noun == "state-type" else list(STATES)
        return [word for word in words if word.lower().startswith(incomplete.lower())]
    try:
        return _asked(context, noun, incomplete)
    except Exception:  # a shell shows nothing of what went wrong, and nobody asked
        return []


def _asked(context: Any, noun: str, incomplete: str) -> list[str]:
    from podium.cli.context import Invocation
    from podium.client.api import Client
    from podium.client.nouns.noun import endpoint, joined
    from podium.client.nouns.registry import noun_of

    root = context.find_root()
    invocation = Invocation(root.params.get("profile"))
    row = noun_of(noun)
    body = dict(row.body) | ({"sort": next(iter(row.sorts.values()))} if row.sorts else {})
    with Client.of(invocation.settings, invocation.api_url, timeout=SECONDS, patient=False) as client:
        found = list(row.rows(client, body, MOST) if row.rows else client.pages(endpoint(row.list), body, MOST))
        names = joined(client, row, found) if not row.label else {}
    told = [row.told(each, names) for each in found]
    return list(dict.fromkeys(name for name in told if name.startswith(incomplete)))
