"""The table of the bench compares fairly and says what was missed."""

from collections import Counter

from bench.load import Outcome
from bench.table import ROWS, Cell, Results, render


def results(**servers: dict[str, object]) -> Results:
    """Cells from what each server reached in each row."""
    found: Results = {}
    for server, outcomes in servers.items():
        found[server] = {row.key: Cell() for row in ROWS}
        for key, outcome in outcomes.items():
            found[server][key.replace("_", "-")].add(outcome)
    return found


def line(text: str, title: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(title))


def test_a_ratio_is_in_favour_of_the_first_whichever_way_is_better() -> None:
    """Ten times the rate and a tenth of the time are both 10x."""
    text = render(
        ["podium", "prefect"],
        results(
            podium={"runs_1": Outcome(1000, 10.0, 1.0), "version": 0.1},
            prefect={"runs_1": Outcome(100, 10.0, 5.0), "version": 1.0},
        ),
    )
    assert line(text, "flow runs, 1 client").split()[-4:] == ["10.0x", ">=", "8x", "holds"]
    assert line(text, "flow run's four calls").split()[-4:] == ["50.0x", ">=", "12x", "holds"]
    assert line(text, "--version").split()[-4:] == ["10.0x", ">=", "8x", "holds"]


def test_an_error_misses_a_demand_that_allows_none() -> None:
    """However fast it was."""
    text = render(
        ["podium", "prefect"],
        results(
            podium={"runs_8": Outcome(9000, 10.0, errors=Counter({"500": 1}))}, prefect={"runs_8": Outcome(10, 10.0)}
        ),
    )
    assert line(text, "flow runs, 8 clients").endswith("MISSED")
    assert "errors 1x 500" in text


def test_rounds_of_work_count_together() -> None:
    """Two rounds are one longer one, not the better of both."""
    cell = Cell()
    cell.add(Outcome(10, 1.0))
    cell.add(Outcome(30, 3.0))
    row = next(row for row in ROWS if row.key == "runs-8")
    assert cell.value(row) == 10.0
