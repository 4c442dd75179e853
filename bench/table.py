"""The rows of the table: what is measured, which way is better, and what Podium is asked to reach."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.load import Outcome


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `demand` is the least ratio in Podium's favour."""

    key: str
    title: str
    unit: str
    value: Callable[[Any], float | None]
    more_is_better: bool = False
    demand: float | None = None
    clean: bool = False  # no error allowed


@dataclass(slots=True)
class Cell:
    """What one server reached in one row, over all rounds."""

    outcomes: list[Any] = field(default_factory=list)

    def add(self, outcome: Any) -> None:
        """Takes the result of another round."""
        self.outcomes.append(outcome)

    def value(self, row: Row) -> float | None:
        """Rounds of work count together; of single measurements the middle one counts."""
        if not self.outcomes:
            return None
        if isinstance(self.outcomes[0], Outcome):
            return row.value(sum(self.outcomes[1:], self.outcomes[0]))
        ordered = sorted(self.outcomes, key=lambda outcome: row.value(outcome) or 0.0)
        return row.value(ordered[len(ordered) // 2])

    def detail(self) -> str:
        """Latencies, CPU and errors of work; nothing for single measurements."""
        if not self.outcomes or not isinstance(self.outcomes[0], Outcome):
            return ""
        total: Outcome = sum(self.outcomes[1:], self.outcomes[0])
        parts = (
            [f"p50 {total.percentile(0.5):.1f} ms", f"p95 {total.percentile(0.95):.1f} ms"] if total.latencies else []
        )
        if total.cpu_each is not None:
            parts.append(f"CPU {total.cpu_each:.2f} ms each")
        parts.append(_errors(total.errors))
        return ", ".join(parts)

    def errors(self) -> Counter[str]:
        """Answers that were not a success, by status."""
        return sum((each.errors for each in self.outcomes if isinstance(each, Outcome)), Counter())


def _errors(errors: Counter[str]) -> str:
    return "errors " + " ".join(f"{count}x {code}" for code, count in errors.most_common()) if errors else "no error"


def rate(outcome: Outcome) -> float:
    """Work done in a second."""
    return outcome.rate


def cpu_each(outcome: Outcome) -> float | None:
    """CPU time of the server for one piece of work, in milliseconds."""
    return outcome.cpu_each


def number(value: float) -> float:
    """A measurement that is a number already."""
    return value


ROWS = (
    Row("runs-1", "flow run's four calls: server CPU", "ms", cpu_each, demand=12),
    Row("runs-1", "flow runs, 1 client", "/s", rate, more_is_better=True, demand=8),
    Row("runs-8", "flow runs, 8 clients", "/s", rate, more_is_better=True, demand=20, clean=True),
    Row("runs-32", "flow runs, 32 clients", "/s", rate, more_is_better=True, demand=80, clean=True),
    Row("leases", "leases taken and given back, 32 clients", "/s", rate, more_is_better=True, demand=50, clean=True),
    Row("logs", "log lines, batches of 100, 8 clients", "/s", rate, more_is_better=True, demand=10),
    Row("events", "task-run events, one socket, until readable", "/s", rate, more_is_better=True, demand=20),
    Row("reads", "filter reads, seeded database, 4 clients", "/s", rate, more_is_better=True),
    Row("start-1", "empty home to first answer", "s", number, demand=4),
    Row("start-2", "second start", "s", number, demand=3),
    Row("memory", "idle memory (PSS)", "MB", lambda pair: pair[0], demand=2),
    Row("memory", "idle memory (RSS)", "MB", lambda pair: pair[1]),
    Row("version", "--version", "s", number, demand=8),
    Row("config", "config view", "s", number, demand=5),
)

Results = dict[str, dict[str, Cell]]  # server -> row key -> cell


def render(servers: list[str], results: Results) -> str:
    """The table, then a line of detail for each row of work."""
    heads = ["measure", *servers, *(["ratio", "demand"] if len(servers) == 2 else [])]
    lines = [heads]
    for row in ROWS:
        values = [results[server].get(row.key, Cell()).value(row) for server in servers]
        if any(value is not None for value in values):
            lines.append([row.title, *(_figure(value, row.unit) for value in values), *_compared(row, values, results)])
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    text = ["  ".join(_aligned(line, widths)) for line in lines]
    text.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*text, "", *_details(servers, results)])


def _aligned(line: list[str], widths: list[int]) -> list[str]:
    return [line[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))]


def ratio(row: Row, values: list[float | None]) -> float | None:
    """How many times better the first server is than the second."""
    if len(values) != 2 or not values[0] or not values[1]:
        return None
    return values[0] / values[1] if row.more_is_better else values[1] / values[0]


def _compared(row: Row, values: list[float | None], results: Results) -> list[str]:
    if len(values) != 2:
        return []
    factor = ratio(row, values)
    if row.demand is None:
        return [f"{factor:.1f}x" if factor else "", ""]
    first = next(iter(results.values())).get(row.key, Cell())
    if factor is None and values[0] and values[1] == 0 and row.more_is_better:
        met = True
    else:
        met = factor is not None and factor >= row.demand
    met = met and not (row.clean and first.errors())
    shown = f"{factor:.1f}x" if factor else "-"
    return [shown, f">= {row.demand:g}x {'holds' if met else 'MISSED'}"]


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"


def _details(servers: list[str], results: Results) -> list[str]:
    keys = dict.fromkeys(row.key for row in ROWS)
    return [
        f"{key:8} {server:10} {detail}"
        for key in keys
        for server in servers
        if (detail := results[server].get(key, Cell()).detail())
    ]
