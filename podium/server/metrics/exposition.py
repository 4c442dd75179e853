"""The metrics as Prometheus reads them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.exposition import choose_encoder

from podium import __version__
from podium.db.unit import Row
from podium.server.metrics.board import BUCKETS, OTHER, STATES, Board
from podium.server.metrics.families import FAMILIES, PREFIX, Family
from podium.server.metrics.processes import usage_of
from podium.server.queries.metrics import State
from podium.server.queries.services import is_well
from podium.wire.catalogue import ENDPOINTS

Labels = tuple[str, ...]
Samples = dict[str, list[tuple[Labels, Any]]]

BOUNDS = [*(f"{bound:g}" for bound in BUCKETS), "+Inf"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is told: what the processes counted, and what was read; None for what could not be."""

    board: Board
    database: str
    connections: int
    messages: bool
    answers: bool
    state: State | None
    counts: dict[str, int] | None
    now: datetime


def expose(snapshot: Snapshot, accept: str) -> tuple[bytes, str]:
    """The answer to somebody who accepts such media, and its media type."""
    encoder, media = choose_encoder(accept)
    return encoder(_Registry(snapshot)), media


class _Registry:
    """What the library's encoders ask for the families; the library's own registry is of no use here."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[Any]:
        samples: Samples = defaultdict(list)
        for part in (_state, _processes, _requests):
            part(self._snapshot, samples)
        for family in FAMILIES:
            if family.name in samples:
                yield _family(family, samples[family.name])


def _family(family: Family, samples: list[tuple[Labels, Any]]) -> Any:
    kinds = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily, "histogram": HistogramMetricFamily}
    made: Any = kinds[family.kind](PREFIX + family.name, family.says, labels=family.labels)
    for labels, value in samples:
        if family.kind == "histogram":
            buckets, total = value
            made.add_metric(labels, list(zip(BOUNDS, accumulate(buckets), strict=True)), total)
        else:
            made.add_metric(labels, value)
    return made


def _state(snapshot: Snapshot, samples: Samples) -> None:
    """What the database tells."""
    samples["info"].append(((__version__, snapshot.database), 1))
    samples["messages_up"].append(((), int(snapshot.messages)))
    state = snapshot.state
    samples["database_up"].append(((), int(snapshot.answers)))
    if snapshot.counts is not None:
        counts = snapshot.counts
        samples["flow_runs"] = [((kind,), counts.get(kind, 0)) for kind in STATES]
    if state is None:
        return
    samples["flow_runs_due"].append(((), state.due))
    samples["flow_runs_late"].append(((), state.late))
    samples["oldest_late_flow_run_seconds"].append(((), state.oldest_late))
    samples["schedule_lag_seconds"].append(((), state.lag))
    for consumer, backlog in state.backlogs.items():
        samples["event_deliveries"].append(((consumer,), backlog.events))
        samples["event_lag_seconds"].append(((consumer,), backlog.seconds))
    samples["concurrency_limits"].append(((), state.limits))
    samples["concurrency_slots"].append(((), state.slots))
    samples["concurrency_slots_used"].append(((), state.slots_used))
    samples["concurrency_leases"].append(((), state.leases))
    samples["workers"] = [((status,), state.workers.get(status, 0)) for status in ("ONLINE", "OFFLINE")]
    for beat in state.services:
        _service(beat, snapshot.now, samples)


def _service(beat: Row, now: datetime, samples: Samples) -> None:
    name = (beat["name"],)
    finished = beat["last_finished"]
    samples["service_interval_seconds"].append((name, beat["interval"]))
    if finished is not None:
        samples["service_last_finished_timestamp_seconds"].append((name, finished.timestamp()))
    if beat["duration"] is not None:
        samples["service_duration_seconds"].append((name, beat["duration"]))
    samples["service_late"].append((name, int(not is_well(beat, now))))


def _processes(snapshot: Snapshot, samples: Samples) -> None:
    """What the processes counted, but for the requests, and what the system says of each."""
    board = snapshot.board
    running = [member for member in board.members if member.pid]
    samples["flow_run_transitions_total"] = [((kind,), count) for kind, count in board.transitions().items()]
    samples["events_total"].append(((), board.events))
    samples["ignored_fields_total"].append(((), board.ignored))
    for kind in ("reads", "writes"):
        samples["database_units_total"].append(((kind,), board.load(f"{kind}_total")))
    samples["database_unavailable_total"].append(((), board.load("unavailable_total")))
    samples["database_units_in_progress"].append(((), board.load("units_in_progress")))
    samples["database_connections"].append(((), len(running) * snapshot.connections))
    for member in running:
        name = (member.name,)
        samples["process_start_time_seconds"].append((name, member.started))
        usage = usage_of(member.pid)
        if usage is not None:
            samples["process_resident_memory_bytes"].append((name, usage.memory))
            samples["process_open_fds"].append((name, usage.descriptors))
            samples["process_cpu_seconds_total"].append((name, usage.cpu))


def _requests(snapshot: Snapshot, samples: Samples) -> None:
    """The operations that were asked for at all."""
    names = [(row.method, row.path) for row in ENDPOINTS] + [("other", "other")]
    for operation in range(OTHER + 1):
        buckets, seconds, statuses = snapshot.board.requests(operation)
        if not any(buckets):
            continue
        samples["http_request_duration_seconds"].append((names[operation], (buckets, seconds)))
        for status, count in statuses.items():
            if count:
                samples["http_requests_total"].append(((*names[operation], status), count))
