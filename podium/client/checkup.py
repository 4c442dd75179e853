"""What a client finds of the server it is set to talk to."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from podium import __version__
from podium.client.api import Client
from podium.client.errors import ClientError, NotAuthorized, NotFound
from podium.profiles import Settings
from podium.wire import podium, root
from podium.wire.findings import Finding, found

PATIENCE = 5.0
SLOW = 1.0
"""Seconds that a server that is well does not need to say so."""

LARGEST_SKEW = 2.0
"""Seconds by which clocks may differ before waits and ages are told wrongly."""


def examine(settings: Settings, url: str) -> list[Finding]:
    """Asks the server at ``url`` how it is; stops where nothing answers."""
    try:
        with Client.of(settings, url, PATIENCE, patient=False) as client:
            return list(look(client))
    except ClientError as error:
        return [found("server", "failed", str(error))]


def look(client: Client) -> Iterator[Finding]:
    """What the answers of a server tell, from whether there are any to how its services do."""
    started = time.perf_counter()
    try:
        client.call(root.HEALTH)
    except ClientError as error:
        yield found("server", "failed", str(error))
        return
    took = time.perf_counter() - started
    told = f"{client.url} answers in {took * 1000:.0f} ms"
    slow = f"{told}; look at its load, or at what lies between"
    yield found("server", "ok" if took < SLOW else "warning", told if took < SLOW else slow)
    yield from _ready(client)
    yield from _versions(client)


def _clock(theirs: datetime | None, before: datetime, after: datetime) -> Finding:
    """By the time that the server told between two moments."""
    if theirs is None:
        return found("clock", "note", "the server does not tell its time")
    skew = (theirs - (before + (after - before) / 2)).total_seconds()
    if abs(skew) <= LARGEST_SKEW + (after - before).total_seconds() / 2:
        return found("clock", "ok", f"the server's is {skew:+.3f} s from this machine's")
    fix = "let both follow the same time server"
    return found("clock", "failed", f"the server's is {skew:+.1f} s from this machine's; {fix}")


def _ready(client: Client) -> Iterator[Finding]:
    try:
        client.call(root.READY)
    except NotFound:
        yield found("ready", "note", "the server does not tell whether it is ready")
    except ClientError as error:
        yield found("ready", "failed", f"the server is not ready: {error}; its log says more")
    else:
        yield found("ready", "ok", "the server can serve")


def _versions(client: Client) -> Iterator[Finding]:
    """What only a server of ours, and only to those it knows, tells."""
    before = datetime.now(UTC)
    try:
        status: podium.Status = client.call(podium.STATUS)
    except NotAuthorized as error:
        fix = "set PODIUM_API_AUTH_STRING or PODIUM_API_KEY, or choose another profile"
        yield found("credentials", "failed", f"the server does not let us in ({error}); {fix}")
        return
    except NotFound:
        yield found("version", "warning", "the server is none of Podium's; some commands work with Podium's only")
        return
    except ClientError as error:
        yield found("version", "failed", f"the server does not say how it is: {error}")
        return
    yield found("credentials", "ok", "the server lets us in")
    yield _clock(status.time, before, datetime.now(UTC))
    if status.version == __version__:
        yield found("version", "ok", f"server and commands are of Podium {__version__}")
    else:
        told = f"the server is of Podium {status.version}, these commands are of {__version__}"
        yield found("version", "warning", f"{told}; install the same on both sides")
    stopped = [f"{each.name} ({each.state})" for each in status.services if each.state in ("late", "failing")]
    if stopped:
        yield found("services", "failed", f"background services stopped: {', '.join(stopped)}; podium server status")
    elif status.services:
        yield found("services", "ok", f"{len(status.services)} background services do their rounds")
    for operation, fields in status.ignored_fields.items():
        names = ", ".join(sorted(fields))
        yield found("fields", "note", f"clients send {operation} what this server does not know: {names}")
