"""The checker of `make chaos` finds what it is there for, and leaves alone what is as it should be."""

from collections import defaultdict
from typing import Any

from tests.chaos import checker
from tests.chaos.faults import OUTAGES, plan
from tests.chaos.schedules import Schedule

EVERY_TEN = {"kind": "interval", "anchor": 0, "period": 10, "catches_up": False}
EVERY_15 = {"kind": "rrule", "anchor": 0, "period": 15, "catches_up": False}
NAMES = ["api-1", "api-2", "services-1", "services-2"]


def notes(*lines: tuple[str, float, dict[str, Any]]) -> checker.Notes:
    found = defaultdict(list)
    for op, at, values in lines:
        found[op].append({"op": op, "at": at, **values})
    return found


def deployed(at: float, schedule: dict[str, Any] = EVERY_TEN) -> list[tuple[str, float, dict[str, Any]]]:
    return [("replacing", at - 0.1, {"name": "a"}), ("schedule", at, {"name": "a", **schedule})]


def away(start: float, end: float, what: str = "redis freezes") -> list[tuple[str, float, dict[str, Any]]]:
    return [("fault", start, {"what": what, "target": ""}), ("healed", end, {"what": what, "target": ""})]


def slots(found: checker.Notes, moments: list[float]) -> checker.Report:
    report = checker.Report()
    checker.check_slots(found, [("a", moment, "COMPLETED") for moment in moments], 1000, 1100, report)
    return report


def test_a_slot_that_is_missing_doubled_or_unasked_for_is_named() -> None:
    """Of a schedule that was there all the time."""
    every = [float(moment) for moment in range(1000, 1100, 10)]
    found = notes(*deployed(900))
    assert slots(found, every).wrong == []
    assert "has no run at 1050" in slots(found, [moment for moment in every if moment != 1050]).wrong[0]
    assert "has 2 runs at 1050" in slots(found, [*every, 1050.0]).wrong[0]
    again = notes(*deployed(900), *deployed(1042), *deployed(1048.5))
    assert slots(again, every).wrong == []
    assert "has 2 runs at 1050" in slots(again, [*every, 1050.0]).wrong[0]
    assert "has no run at 1050" in slots(again, [moment for moment in every if moment != 1050]).wrong[0]
    assert "has a run at 1055.000, which no schedule asked for" in slots(found, [*every, 1055.0]).wrong[0]


def test_a_new_schedule_has_half_a_minute_and_longer_only_while_something_is_away() -> None:
    """Until then a missing slot is counted, and not wrong."""
    every = [float(moment) for moment in range(1000, 1030, 10)]
    late = [float(moment) for moment in range(1065, 1100, 15)]
    found = notes(*deployed(900), *deployed(1031, EVERY_15))
    report = slots(found, [*every, 1030.0, *late])
    assert report.wrong == []
    assert report.figures["slots missed where the policy is not to catch up"] == 2
    assert "no run at 1065" in slots(found, [*every, 1030.0, *late[1:]]).wrong[0]
    frozen = notes(*deployed(900), *deployed(1031, EVERY_15), *away(1035, 1050))
    assert slots(frozen, [*every, 1030.0, *late[1:]]).wrong == []


def test_a_deployment_that_catches_up_misses_nothing() -> None:
    """Neither while something is away nor right after its schedule was replaced; any other misses what passed then, but
    of a schedule that was only deployed once more."""
    early = [float(moment) for moment in range(1000, 1050, 10)]
    late = [float(moment) for moment in range(1060, 1100, 10)]
    for known, catches_up, wrong in ((True, True, 1), (True, False, 1), (False, True, 1), (False, False, 0)):
        schedule = EVERY_TEN | {"catches_up": catches_up}
        first = 900 if known else 1041
        found = notes(*deployed(first, schedule), *deployed(1041.5, schedule), *away(1042, 1052))
        report = slots(found, [*(moment for moment in early if moment >= first), *late])
        assert len(report.wrong) == wrong, (known, catches_up)


def test_a_service_that_stays_silent_after_a_fault_is_named() -> None:
    """Half a minute counts from the end of the last thing that was away."""

    def rounds(*moments: float) -> list[tuple[str, float, dict[str, Any]]]:
        return [("round", moment, {"name": "late-runs", "interval": 5, "finished": moment}) for moment in moments]

    def wrong(*lines: tuple[str, float, dict[str, Any]]) -> list[str]:
        report = checker.Report()
        checker.check_rounds(notes(*lines), 1200, report)
        return report.wrong

    assert wrong(*away(1000, 1010), *rounds(990, 1035)) == []
    assert "late-runs had no round until 35 s after redis freezes" in wrong(*away(1000, 1010), *rounds(990, 1045))[0]
    both = away(1000, 1010) + away(1030, 1060, "postgres stops")
    assert wrong(*both, *rounds(990, 1085)) == []
    assert len(wrong(*both, *rounds(990, 1095))) == 2


def test_a_run_two_workers_hold_and_a_limit_that_is_exceeded_are_named() -> None:
    """By what the clients were told."""

    def wrong(*ops: tuple[str, str]) -> list[str]:
        report = checker.Report()
        found = notes(*((op, at, {"id": "r", "by": by}) for at, (op, by) in enumerate(ops)))
        checker.check_workers(found, report)
        return report.wrong

    assert "run r was given to two while one had it" in wrong(("started", "one"), ("started", "two"))[0]
    assert wrong(("started", "one"), ("ended", "one"), ("started", "two")) == []
    held = notes(*(("got", at, {"lease": str(at)}) for at in (1.0, 2.0, 3.0)), ("gave", 4, {"lease": "1.0"}))
    assert list(checker.check_slots_taken(held)) == ["3 held slots at 3.00"]
    assert list(checker.check_slots_taken(notes(("slots", 1, {"taken": 3})))) == ["3 slots are taken of 2"]


def test_an_answer_that_says_500_is_named_also_where_the_proxy_hid_it() -> None:
    request = {"method": "GET", "path": "/api/flows", "status": 200, "upstream": "500, 200"}
    assert len(list(checker.check_answers(notes(), [request]))) == 1
    assert list(checker.check_answers(notes(), [request | {"upstream": "502, 200"}])) == []


def test_a_plan_is_its_seeds_and_has_every_kind_of_fault() -> None:
    """Every 15 seconds a process is killed, in a short run and in a long one."""
    for seconds in (90, 600):
        faults = plan(7, seconds, NAMES)
        assert faults == plan(7, seconds, NAMES) != plan(8, seconds, NAMES)
        assert {fault.what for fault in faults} == {"kill", *OUTAGES}
        kills = [fault.at for fault in faults if fault.what == "kill"]
        assert kills == [5 + 15 * number for number in range(len(kills))]
        assert seconds - 15 <= kills[-1] + 10 <= seconds + 10


def test_slots_are_those_of_the_schedule_that_is_sent() -> None:
    """The arithmetic of the three kinds, beside the server's own."""
    from datetime import UTC, datetime

    from podium.server.operations.schedules import next_dates

    start, end = 1_795_824_013.5, 1_795_824_613.0
    for schedule in (
        Schedule("interval", 1_795_800_007, 45),
        Schedule("rrule", 1_795_800_007, 20),
        Schedule("cron", 0, 60),
    ):
        dates = next_dates(schedule.wire, datetime.fromtimestamp(start, UTC), end=datetime.fromtimestamp(end, UTC))
        assert [date.timestamp() for date in dates] == schedule.slots(start, end)
        assert all(schedule.has(date.timestamp()) for date in dates)
