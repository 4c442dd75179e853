"""The account of the clients finds what it looks for."""

from typing import Any

from tests.concurrency.history import grants, most_at_once, spans, worst_burst


def note(op: str, key: str, **values: Any) -> dict[str, Any]:
    return {"op": op, "key": key, **values}


def test_slots_are_held_from_the_answer_to_the_end_or_the_expiry() -> None:
    """Renewals move the expiry, also to an earlier one, and maybe where they are not answered; what was asked for and
    never answered is not held."""
    notes = [
        note("take", "a", sent=0, until=60),
        note("got", "a", at=1, slots={"x": 2}),
        note("renewing", "a", until=100),
        note("renewed", "a", until=100),
        note("renewing", "a", until=90),
        note("take", "b", sent=50, until=110),
        note("got", "b", at=51, slots={"x": 1}),
        note("end", "b", at=55),
        note("take", "c", sent=52, until=112),
    ]
    held = spans(grants(notes).values())
    assert held == {"x": [(1, 90, 2), (51, 55, 1)]}
    assert most_at_once(held["x"]) == 3


def test_one_lease_of_a_run_counts_once() -> None:
    """Another lease of the same run, taken where the first was lost, counts beside it only while both last."""
    notes = [
        *(note("take", key, sent=sent, until=sent + 60) for key, sent in (("p", 0), ("r", 10), ("q", 200))),
        note("got", "p", at=1, lease="l"),
        note("got", "r", at=11, lease="l"),
        note("got", "q", at=201, lease="m"),
        note("end", "r", at=40),
    ]
    held = spans(grants(notes).values())["deployment"]
    assert held == [(1, 40, 1), (201, 260, 1)]


def test_what_ends_makes_room_at_once() -> None:
    assert most_at_once([(0, 5, 1), (5, 9, 1), (9, 9, 4)]) == 1


def test_bursts() -> None:
    """The slots granted within a stretch of time, less what that time allows; waiting for an answer allows nothing."""
    rates = [{"sent": sent, "at": sent + 0.5, "slots": 2} for sent in (0.0, 0.0, 10.0)]
    assert worst_burst(rates, 0.5) == 4 - 0.25
