"""Runs a transition through the rules of a policy.

The rules are those whose types hold the current and the proposed state at the start. Each is entered in order, unless
one before it changed the proposal to another type. When the state is stored they unwind in reverse: a rule whose
types still hold runs its ``after``, one that was overtaken by a later rule its ``cleanup``. A rule that decides the
outcome itself has nothing to unwind. What ``before`` returns is handed to the other two.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from podium.server.orchestration.transition import StateTypes, Transition

TERMINAL: frozenset[str | None] = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
ACTIVE: frozenset[str | None] = frozenset({"SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"})
ANY: frozenset[str | None] = TERMINAL | ACTIVE | {None}

Before = Callable[[Any], Any]
After = Callable[[Any, Any], None]


def only(*types: str) -> frozenset[str | None]:
    """These state types."""
    return frozenset(types)


def all_but(*types: str | None) -> frozenset[str | None]:
    """Every state type but these, having no state included."""
    return ANY - frozenset(types)


@dataclass(frozen=True, slots=True)
class Rule:
    """What may change or stop a transition between these types.

    ``always``: a transform, entered and left whatever became of the proposal, so its functions look for themselves.
    """

    name: str
    from_types: frozenset[str | None] = ANY
    to_types: frozenset[str | None] = ANY
    before: Before | None = None
    after: After | None = None
    cleanup: After | None = None
    always: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Rules in the order they are entered."""

    name: str
    rules: tuple[Rule, ...]
    _selections: dict[StateTypes, tuple[Rule, ...]] = field(default_factory=dict, repr=False, compare=False)

    def select(self, types: StateTypes) -> tuple[Rule, ...]:
        """The rules for a transition between these types."""
        selection = self._selections.get(types)
        if selection is None:
            initial, proposed = types
            selection = tuple(
                rule for rule in self.rules if rule.always or (initial in rule.from_types and proposed in rule.to_types)
            )
            self._selections[types] = selection
        return selection


Entered = list[tuple[Rule, StateTypes, Any]]


def enter(transition: Transition, policy: Policy) -> Entered:
    """Runs the before-hooks; ``transition.proposed`` is the state to store afterwards, if any."""
    selected = transition.types
    entered: Entered = []
    for rule in policy.select(selected):
        if not rule.always and transition.types != selected:
            continue
        status, proposed = transition.status, transition.proposed
        memo = rule.before(transition) if rule.before else None
        undecided = transition.status == status and transition.proposed is proposed
        if rule.always or undecided:
            entered.append((rule, transition.types, memo))
    return entered


def leave(transition: Transition, entered: Entered) -> None:
    """Runs the after-hooks and cleanups, last entered first."""
    final = transition.types
    for rule, types, memo in reversed(entered):
        if rule.always or types == final:
            if rule.after:
                rule.after(transition, memo)
        elif rule.cleanup:
            rule.cleanup(transition, memo)
