"""How the server is: what a client finds of it, which parts are ready, its services, and what clients send in vain."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

from textual.binding import Binding, BindingType
from textual.widget import Widget

from podium.client.nouns.fitting import padded
from podium.client.nouns.noun import Column, endpoint
from podium.tui.screens.detail import table_lines
from podium.tui.screens.view import View
from podium.tui.views import ViewRow
from podium.tui.widgets.text import LineOfText, Part, Text

if TYPE_CHECKING:
    from podium.client.api import Client
    from podium.wire.findings import Finding

LOOK_EVERY: Final = 5.0
"""Seconds: of how a server is no event tells."""
TONES: Final = {"ok": "good", "note": "idle", "warning": "warning", "failed": "bad"}
PARTS: Final = ("database", "migrations", "messages")
"""What a server tells to be ready, beside its services."""
RANKS: Final = {"failing": 0, "late": 1, "waiting": 2}
SERVICE_COLUMNS: Final = (
    Column("service", "name"),
    Column("state", kind="state"),
    Column("every", "interval", kind="duration"),
    Column("finished", "last_finished", kind="moment"),
    Column("error", "last_error"),
)


class Picture(NamedTuple):
    """What was found at one look.

    ``troubles`` are the parts that are not ready. They are None for a server that does not tell, and ``status`` for one
    that is none of Podium's, or does not let us in.
    """

    findings: "list[Finding]"
    troubles: Mapping[str, str] | None
    status: Any
    versions: tuple[str, str]


class Health(View):
    """A page of text that is written anew every few seconds."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("c", "copy", "copy podium doctor"),
    ]

    heading = "Health"

    def __init__(self, row: ViewRow, filter_text: str = "") -> None:
        super().__init__()

    def body(self) -> Iterator[Widget]:
        """The text alone."""
        yield Text()

    @property
    def text(self) -> Text:
        """The text."""
        return self.query_one(Text)

    def on_mount(self) -> None:
        """Looks again and again, while it is seen."""
        self.set_interval(LOOK_EVERY, self._look)

    def _look(self) -> None:
        if self.is_seen:
            self.reload(now=False)

    async def load(self) -> None:
        """Looks at the server."""
        picture = await self.ask(look_at)
        failed = [each for each in picture.findings if each.result == "failed"]
        warned = [each for each in picture.findings if each.result == "warning"]
        parts = [f"{len(each)} {word}" for each, word in ((failed, "failed"), (warned, "to look after")) if each]
        self.told = ", ".join(parts) or "all is well"
        self.text.show(list(lines_of(picture, self.dashboard.target.url)))

    def action_search(self) -> None:
        """Asks for a text to find."""
        self.dashboard.prompt("/", self.text.search, (), self.search)

    def search(self, text: str) -> str | None:
        """Finds a text; says so where it is not there."""
        found = self.text.find(text)
        return None if found or not text else f"{text!r} is not here."

    def action_copy(self) -> None:
        """Puts the command that finds the same where the terminal keeps what is copied."""
        self.app.copy_to_clipboard(self.command)
        self.dashboard.say(f"Copied: {self.command}")

    @property
    def command(self) -> str:
        """The command that finds the same."""
        named = self.dashboard.named_profile
        return f"podium --profile {named} doctor" if named else "podium doctor"

    def action_back(self) -> None:
        """Ends a search; then goes back."""
        if self.text.search:
            self.text.find("")
        else:
            super().action_back()


def look_at(client: "Client") -> Picture:
    """What a client finds of its server. Raises ClientError where it does not answer at all."""
    from podium.client import checkup
    from podium.client.errors import ClientError

    client.call(endpoint("root.HEALTH"))
    findings = list(checkup.look(client))
    try:
        status = client.call(endpoint("podium.STATUS"))
    except ClientError:
        status = None
    return Picture(findings, _troubles(client), status, (_version(client, "root.VERSION"), _served(client)))


def _troubles(client: "Client") -> Mapping[str, str] | None:
    """The parts that are not ready, and why; None where the server does not tell."""
    import msgspec

    from podium.wire import root

    response = client.send(root.READY, client.url + root.READY.path, None)
    try:
        ready = msgspec.json.decode(response.content, type=root.Ready)
    except msgspec.DecodeError:
        return None
    return ready.troubles or {} if ready.troubles is not msgspec.UNSET else {}


def _version(client: "Client", name: str) -> str:
    from podium.client.errors import ClientError

    try:
        return str(client.call(endpoint(name)))
    except ClientError:
        return ""


def _served(client: "Client") -> str:
    return _version(client, "admin.READ_VERSION")


def lines_of(picture: Picture, url: str) -> Iterator[LineOfText]:
    """The page."""
    yield from _findings(picture.findings)
    yield ()
    yield (Part("The server", "title"),)
    yield from _facts(picture, url)
    if picture.status is None:
        return
    services = sorted(picture.status.services, key=lambda each: (RANKS.get(each.state, 3), each.name))
    if services:
        yield ()
        yield (Part("Services", "title"),)
        yield from table_lines(SERVICE_COLUMNS, services, {}, datetime.now(UTC))
    if picture.status.ignored_fields:
        yield ()
        yield (Part("Fields that clients send and this server does not know", "title"),)
        for operation, fields in sorted(picture.status.ignored_fields.items()):
            counts = ", ".join(f"{name} {number:,}" for name, number in sorted(fields.items()))
            yield (Part(f"{operation}  ", "label"), Part(counts, "warning"))


def _findings(findings: "Sequence[Finding]") -> Iterator[LineOfText]:
    """What is not well comes first, each with what to do below it."""
    yield (Part("Seen from here", "title"), Part("   the same as podium doctor", "label"))
    width = max((len(each.check) for each in findings), default=0) + 2
    order = list(TONES)
    for each in sorted(findings, key=lambda each: -order.index(each.result)):
        result = Part(padded(each.result, 9), TONES[each.result])
        yield (result, Part(padded(each.check, width), "label"), Part(each.detail))
        if each.fix:
            yield (Part(" " * (9 + width)), Part(each.fix, "warning"))


def _facts(picture: Picture, url: str) -> Iterator[LineOfText]:
    status, (api, served) = picture.status, picture.versions
    facts = [("url", url)]
    if status is not None:
        schema = f", schema {status.schema}" if status.schema else ""
        facts += [("podium", status.version), ("database", f"{status.database}{schema}")]
    facts += [("api", api), ("for clients", f"prefect {served}" if served else "")]
    for name, value in facts:
        if value:
            yield (Part(padded(name, 13), "label"), Part(value))
    if picture.troubles is None:
        return
    if status is None and not picture.troubles:  # another server says no more than that
        yield (Part(padded("ready", 13), "label"), Part("yes", "good"))
        return
    ready = [part for part in PARTS if part not in picture.troubles]
    if not any(part.startswith("service ") for part in picture.troubles):
        ready.append("services")
    yield (Part(padded("ready", 13), "label"), Part(", ".join(ready) or "nothing", "good" if ready else "bad"))
    for part, trouble in picture.troubles.items():
        yield (Part(padded("not ready", 13), "label"), Part(f"{part}: {trouble}", "bad"))
