"""What has to hold after a chaos run: each check gives the sentences that say what does not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import httpx
import psycopg

from tests.chaos.faults import OUTAGES
from tests.chaos.load import SLOTS
from tests.chaos.process import Process
from tests.chaos.schedules import Schedule

RECOVERY = 30.0
"""Seconds after a fault within which everything goes on."""

OFTEN = 20.0
"""Services that run at least this often must have had a round by then."""

NOTED_AFTER = 6.0
"""Rounds are in the database some seconds after they ended."""

MOST = 10

Notes = dict[str, list[dict[str, Any]]]


@dataclass
class Report:
    """What is wrong, and figures to print."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    def add(self, check: str, found: Iterable[str]) -> None:
        """Keeps the first few of many."""
        sentences = list(found)
        self.figures[check] = "ok" if not sentences else f"{len(sentences)} wrong"
        self.wrong += [f"{check}: {sentence}" for sentence in islice(sentences, MOST)]


@dataclass
class Version:
    """A schedule of a deployment: asked for, acknowledged, about to be replaced, replaced for sure.

    ``deployed``: when it was sent, the first time and again; ``catches_up``: its deployment has the policy `all`.
    """

    schedule: Schedule
    catches_up: bool
    asked: float
    since: float
    deployed: list[tuple[float, float]]
    until: float = float("inf")
    gone: float = float("inf")

    def is_due(self, moment: float, away: Sequence["Outage"], start: float) -> bool:
        """Whether a slot must have its run. Before ``start`` all had.

        Deploying takes away the runs that have not begun, and the scheduler makes them again: there has to be time for
        that before the next schedule comes. Those of a schedule that had its runs come again however late; of a new one
        only a deployment that catches up gets the runs of moments that have passed by then.
        """
        asked, sent = max((each for each in self.deployed if each[0] <= moment), default=self.deployed[0])
        by = recovered(sent, away) if sent > start else start
        if self.until < by:
            return False
        had_its_runs = asked >= recovered(self.deployed[0][1], away)
        return self.catches_up or moment >= by or had_its_runs or (by == sent + RECOVERY and asked != self.asked)


@dataclass
class Outage:
    start: float
    end: float


def outages(notes: Notes) -> list[Outage]:
    """When something was away that all processes need."""
    begun: dict[str, float] = {}
    found = []
    for note in sorted(notes["fault"] + notes["healed"], key=lambda note: float(note["at"])):
        if note["what"] in OUTAGES:
            if note["op"] == "fault":
                begun[note["what"]] = note["at"]
            else:
                found.append(Outage(begun.pop(note["what"]), note["at"]))
    return found


def recovered(moment: float, away: Sequence[Outage]) -> float:
    """By when all goes on again after a moment, given what was away meanwhile."""
    by = moment + RECOVERY
    for outage in sorted(away, key=lambda outage: outage.start):
        if outage.start < by and outage.end > moment:
            by = max(by, outage.end + RECOVERY)
    return by


def versions(notes: Notes) -> dict[str, list[Version]]:
    """The schedules of each deployment, in order; one that was replaced by itself is one."""
    found: dict[str, list[Version]] = defaultdict(list)
    asked: dict[str, dict[str, Any]] = {}
    for note in sorted(notes["replacing"] + notes["schedule"], key=lambda note: float(note["at"])):
        if note["op"] == "replacing":
            asked[note["name"]] = note
            continue
        mine = found[note["name"]]
        schedule = Schedule(note["kind"], note["anchor"], note["period"])
        asked_at = asked[note["name"]]["at"]
        if mine and mine[-1].schedule == schedule:
            mine[-1].deployed.append((asked_at, note["at"]))
            continue
        if mine:
            mine[-1].until, mine[-1].gone = asked_at, note["at"]
        mine.append(Version(schedule, note["catches_up"], asked_at, note["at"], [(asked_at, note["at"])]))
    return found


def check_slots(notes: Notes, runs: Sequence[tuple[str, float, str]], start: float, end: float, report: Report) -> None:
    """One run for each slot of a schedule: none twice, none that no schedule asked for, none missing.

    ``runs``: deployment, moment and state of every run that the scheduler made. ``Version.is_due`` says which slots
    must have theirs; others that are missing are counted. A worker may have taken a run ahead of its time, which stays
    when the schedule goes.
    """
    away = outages(notes)
    made: dict[str, Counter[float]] = defaultdict(Counter)
    for name, moment, _ in runs:
        made[name][moment] += 1
    wrong, due, unproven = [], 0, 0
    for name, mine in versions(notes).items():
        for moment, number in made[name].items():
            makers = {v.schedule for v in mine if v.schedule.has(moment) and v.asked <= moment <= v.gone + RECOVERY}
            if not makers:
                wrong.append(f"{name} has a run at {moment:.3f}, which no schedule asked for")
            elif number > len(makers):
                wrong.append(f"{name} has {number} runs at {moment:.0f} ({makers})")
        for each in mine:
            last = min(each.until, end)
            for moment in each.schedule.slots(max(each.since, start), last):
                if moment == last:  # replaced in that second
                    continue
                needed = each.is_due(moment, away, start)
                due += needed
                if not made[name][moment]:
                    unproven += not needed
                    if needed:
                        wrong.append(f"{name} has no run at {moment} ({each})")
    report.add("one run for each slot", wrong)
    report.figures |= {"slots due": due, "slots missed where the policy is not to catch up": unproven}


def check_ends(runs: Sequence[tuple[str, float, str]], end: float) -> Iterator[str]:
    """Every run that was due has ended."""
    for name, moment, state in runs:
        if moment <= end and state != "COMPLETED":
            yield f"the run of {name} at {moment:.0f} is {state}"


def check_workers(notes: Notes, report: Report) -> None:
    """No run was given to a worker while another had it.

    One that asks for a run after that has ended gets it, as the contract has it: such runs are counted.
    """
    holders: dict[str, str] = {}
    ended, wrong, again = set(), [], 0
    for note in sorted(notes["started"] + notes["ended"], key=lambda note: float(note["at"])):
        run, worker = note["id"], note["by"]
        if note["op"] == "ended":
            holders.pop(run, None)
            ended.add(run)
        elif holders.setdefault(run, worker) != worker:
            wrong.append(f"run {run} was given to {worker} while {holders[run]} had it")
        else:
            again += run in ended
    report.add("no run is given to two workers", wrong)
    report.figures["runs begun again after their end"] = again


def check_writes(notes: Notes, url: str, database_url: str) -> Iterator[str]:
    """Every acknowledged run, state, log line and event is there, events once; runs and events through the API."""
    yield from _missing("run", notes, _known(url, "/flow_runs/filter", "flow_runs", notes["run"], 200))
    with psycopg.connect(database_url) as connection:
        states = {(str(run), kind) for run, kind in connection.execute("SELECT flow_run_id, type FROM flow_run_states")}
        lines = {message for (message,) in connection.execute("SELECT message FROM logs WHERE name = 'chaos'")}
        sent = connection.execute("SELECT id FROM events WHERE event = 'chaos.happened'").fetchall()
    events = Counter(str(event) for (event,) in sent)
    yield from _missing("event", notes, events)
    yield from (f"event {event} is there {n} times" for event, n in events.items() if n > 1)
    for note in notes["state"]:
        if (note["id"], note["state"]) not in states:
            yield f"run {note['id']} was never {note['state']}"
    for note in notes["log"]:
        if note["message"] not in lines:
            yield f"the log line {note['message']} is lost"
    some = notes["event"][:: max(1, len(notes["event"]) // 50)]
    found = set(_known(url, "/events/filter", "filter", some, 50))
    yield from (f"event {note['id']} is not in the API's answer" for note in some if note["id"] not in found)


def _missing(what: str, notes: Notes, known: Iterable[str]) -> Iterator[str]:
    there = set(known)
    yield from (f"{what} {note['id']} is lost" for note in notes[what] if note["id"] not in there)


def _known(url: str, path: str, name: str, notes: Sequence[dict[str, Any]], size: int) -> Iterator[str]:
    with httpx.Client(base_url=url, timeout=30) as client:
        for first in range(0, len(notes), size):
            ids = [note["id"] for note in notes[first : first + size]]
            if name == "filter":
                answer = client.post(f"/api{path}", json={"filter": {"id": {"id": ids}}, "limit": size})
                yield from (event["id"] for event in answer.raise_for_status().json()["events"])
            else:
                answer = client.post(f"/api{path}", json={name: {"id": {"any_": ids}}, "limit": size})
                yield from (row["id"] for row in answer.raise_for_status().json())


def check_rounds(notes: Notes, end: float, report: Report) -> None:
    """Every service that runs often has a round within half a minute of each fault's end.

    A process of services that is killed takes its last rounds along, before they are noted: time counts from then.
    """
    kills = [note["at"] for note in notes["healed"] if note["target"].startswith("services-")]
    away = [*outages(notes), *(Outage(at - 1, at) for at in kills)]
    rounds = defaultdict(set)
    for note in notes["round"]:
        if note["interval"] <= OFTEN:
            rounds[note["name"]].add(note["finished"])
    wrong, longest = [], 0.0
    for fault in notes["healed"]:
        by = recovered(fault["at"], away)
        healed = max([fault["at"], *(each.end for each in away if each.start < by and each.end <= by - RECOVERY)])
        for name, finished in rounds.items():
            first = min((moment for moment in finished if moment > healed), default=end)
            if first == end and end < by + NOTED_AFTER:
                continue  # looked at too early to say
            longest = max(longest, first - healed)
            if first > by:
                what = f"{fault['what']} {fault['target']}".strip()
                wrong.append(f"{name} had no round until {first - healed:.0f} s after {what}")
    report.add("services go on within 30 s", wrong if rounds else ["no service had a round"])
    report.figures["longest wait for a round, s"] = round(longest, 1)


def check_ready(notes: Notes, names: Iterable[str]) -> Iterator[str]:
    """At the end every process says that it is ready."""
    last = {note["name"]: note for note in notes["ready"]}
    for name in names:
        if name not in last or last[name]["status"] != 200:
            yield f"{name} is not ready at the end: {last.get(name, {}).get('troubles')}"


def check_answers(notes: Notes, requests: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Nobody was told 500, by the proxy or by a process."""
    yield from (f"{note['method']} {note['path']}: {note['status']} {note['body']}" for note in notes["bad"])
    yield from (f"{note['name']} answered {note['status']}" for note in notes["ready"] if note["status"] == 500)
    for request in requests:
        if request["status"] == 500 or "500" in request["upstream"]:
            yield f"{request['method']} {request['path']}: {request['status']} ({request['upstream']})"


def first_success(notes: Notes, requests: Sequence[dict[str, Any]]) -> float:
    """The longest time, in seconds, from an end of PostgreSQL's absence to the next thing that a client made."""
    made = [request["at"] for request in requests if request["status"] == 201]
    ends = [note["at"] for note in notes["healed"] if note["what"].startswith("postgres")]
    waits = [min((moment for moment in made if moment > end), default=end) - end for end in ends]
    return round(max(waits, default=0.0), 1)


def check_slots_taken(notes: Notes) -> Iterator[str]:
    """The limit was never exceeded: neither as the database says, nor as those who held slots do."""
    yield from (f"{note['taken']} slots are taken of {SLOTS}" for note in notes["slots"] if note["taken"] > SLOTS)
    held = set()
    for note in sorted(notes["got"] + notes["gave"], key=lambda note: float(note["at"])):
        held.symmetric_difference_update({note["lease"]})
        if len(held) > SLOTS:
            yield f"{len(held)} held slots at {note['at']:.2f}"


def check_processes(notes: Notes, processes: Iterable[Process]) -> Iterator[str]:
    """A process that answered once ended only where it was killed, and none logged a traceback."""
    for process in processes:
        answered = [note["at"] for note in notes["ready"] if note["name"] == process.name]
        for end in process.exits:
            if not end.wanted and any(end.at - end.seconds <= moment <= end.at for moment in answered):
                yield f"{process.name} ended by itself with {end.code} after {end.seconds:.0f} s"
        before, traceback, after = process.log.read_text(errors="replace").partition("Traceback (most recent")
        if traceback:
            yield f"{process.name} logged: {before[-300:]}{traceback}{after[-600:]}"
