"""The background services: one row each, and the only list of them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from podium.profiles import Settings
from podium.server.automations.ordering import DELIVERIES as AUTOMATIONS
from podium.server.runtime import Runtime
from podium.server.services import (
    actions,
    catch_up,
    cleanup_reconciler,
    deliveries,
    foreman,
    late_runs,
    pause_expirations,
    proactive,
    repossessor,
    task_run_recorder,
)
from podium.server.services.actions import do_actions
from podium.server.services.automations import evaluate_automations
from podium.server.services.cancellation_cleanup import (
    LEFT_SUBFLOWS,
    LEFT_TASK_RUNS,
    UNANSWERED,
    cancel_left_subflows,
    cancel_left_task_runs,
    end_cancelling,
)
from podium.server.services.catch_up import skip_late_runs
from podium.server.services.cleanup_reconciler import reconcile_cleanup_delivery
from podium.server.services.deliveries import deliver
from podium.server.services.foreman import watch_workers
from podium.server.services.glance import Look
from podium.server.services.late_runs import mark_late_runs
from podium.server.services.pause_expirations import fail_expired_pauses
from podium.server.services.proactive import close_windows
from podium.server.services.repossessor import take_back_expired_leases
from podium.server.services.retention import (
    delete_leftovers,
    delete_old_events,
    delete_old_runs,
    delete_orphans,
    prepare_partitions,
)
from podium.server.services.scheduler import LOOK_RECENT, schedule_all, schedule_recent
from podium.server.services.tallies import roll_up_past
from podium.server.services.task_run_recorder import record_task_runs
from podium.server.services.zombies import end_zombies

LONGEST_ROUND = 30.0
"""Seconds a consumer may take for a round."""


@dataclass(frozen=True, slots=True)
class Service:
    """A background service.

    ``run`` does one round. ``section`` is its part of ``settings.server.services``, whose ``enabled`` switches it;
    ``period`` is the setting there of the seconds between two starts. A consumer has none: it waits for work itself and
    starts again at once, and its round may be cancelled anywhere, as that of one that is ``interruptible`` may.
    ``every`` tells the seconds where the setting is elsewhere. ``word``: where ``enabled`` is a set of words, the one
    that switches it; without: any does. ``look`` tells whether a round would find anything.
    """

    name: str
    what: str
    section: str
    run: Callable[[Runtime], Awaitable[None]]
    period: str | None = "loop_seconds"
    word: str | None = None
    interruptible: bool = False
    look: Look | None = None
    every: Callable[[Settings], float] | None = None

    @property
    def switch(self) -> str:
        """The variable that turns it on and off."""
        return f"PODIUM_SERVER_SERVICES_{self.section.upper()}_ENABLED"

    @property
    def is_consumer(self) -> bool:
        """Whether it runs all the time."""
        return self.period is None

    def is_enabled(self, settings: Settings) -> bool:
        """Whether the settings want it to run."""
        enabled = self._section(settings).enabled
        return bool(enabled) if self.word is None else self.word in enabled

    def interval(self, settings: Settings) -> float:
        """Seconds within which a round starts after the last one."""
        if self.every is not None:
            return self.every(settings)
        return LONGEST_ROUND if self.period is None else float(getattr(self._section(settings), self.period))

    def _section(self, settings: Settings) -> Any:
        return getattr(settings.server.services, self.section)


SERVICES = (
    Service("scheduler", "Makes the runs of schedules ahead of their time.", "scheduler", schedule_all),
    Service(
        "recent-scheduler",
        "Does so at once for deployments that changed.",
        "scheduler",
        schedule_recent,
        "recent_deployments_loop_seconds",
        look=LOOK_RECENT,
    ),
    Service("late-runs", "Marks runs that nobody started in time.", "late_runs", mark_late_runs, look=late_runs.LOOK),
    Service(
        "catch-up",
        "Skips late runs of deployments that want no backlog.",
        "late_runs",
        skip_late_runs,
        look=catch_up.LOOK,
    ),
    Service(
        "pause-expirations",
        "Fails runs whose pause lasted too long.",
        "pause_expirations",
        fail_expired_pauses,
        look=pause_expirations.LOOK,
    ),
    Service(
        "cancelled-task-runs",
        "Cancels the tasks of cancelled runs.",
        "cancellation_cleanup",
        cancel_left_task_runs,
        look=LEFT_TASK_RUNS,
    ),
    Service(
        "cancelled-subflows",
        "Cancels the subflows of cancelled runs.",
        "cancellation_cleanup",
        cancel_left_subflows,
        look=LEFT_SUBFLOWS,
    ),
    Service(
        "cancelling-timeouts",
        "Cancels runs whose process does not confirm it.",
        "cancellation_cleanup",
        end_cancelling,
        look=UNANSWERED,
    ),
    Service(
        "cleanup-reconciler",
        "Offers cleanup work again that a worker did not finish in time.",
        "cleanup_reconciler",
        reconcile_cleanup_delivery,
        look=cleanup_reconciler.LOOK,
    ),
    Service("zombies", "Ends runs whose process is gone.", "zombies", end_zombies),
    Service(
        "vacuum-events",
        "Deletes old events.",
        "db_vacuum",
        delete_old_events,
        word="events",
        interruptible=True,
    ),
    Service(
        "vacuum-flow-runs",
        "Deletes runs that ended long ago.",
        "db_vacuum",
        delete_old_runs,
        word="flow_runs",
        interruptible=True,
    ),
    Service(
        "vacuum-orphans",
        "Deletes logs and artifacts of runs that are gone.",
        "db_vacuum",
        delete_orphans,
        "orphan_cleanup_loop_seconds",
        word="orphans",
        interruptible=True,
    ),
    Service(
        "vacuum-leftovers",
        "Deletes what is expired, finished or of somebody gone.",
        "db_vacuum",
        delete_leftovers,
        interruptible=True,
    ),
    Service(
        "partitions",
        "Makes PostgreSQL's partitions of events and logs ahead of time.",
        "db_vacuum",
        prepare_partitions,
        interruptible=True,
    ),
    Service(
        "tallies", "Rolls up runs and events of the past for quick counts.", "tallies", roll_up_past, interruptible=True
    ),
    Service(
        "foreman",
        "Tells which workers, pools, queues and deployments are served.",
        "foreman",
        watch_workers,
        look=foreman.LOOK,
    ),
    Service(
        "repossessor",
        "Takes back concurrency slots whose holder is gone.",
        "repossessor",
        take_back_expired_leases,
        look=repossessor.LOOK,
    ),
    Service(
        "task-run-recorder",
        "Makes task runs out of their events.",
        "task_run_recorder",
        record_task_runs,
        period=None,
        look=task_run_recorder.DELIVERIES.look,
    ),
    Service(
        "deliveries",
        "Sends notifications, email and calls of webhooks.",
        "notifications",
        deliver,
        period=None,
        look=deliveries.LOOK,
    ),
    Service(
        "automations",
        "Evaluates automations for each event.",
        "triggers",
        evaluate_automations,
        period=None,
        look=AUTOMATIONS.look,
    ),
    Service(
        "proactive-automations",
        "Fires automations that wait for what did not happen.",
        "triggers",
        close_windows,
        look=proactive.LOOK,
        every=lambda settings: settings.server.events.proactive_granularity,
    ),
    Service("actions", "Does what automations are to do.", "triggers", do_actions, period=None, look=actions.LOOK),
)


def describe(settings: Settings) -> list[dict[str, Any]]:
    """What there is to know of each service from the settings alone; a consumer, which always runs, has no interval."""
    return [
        {
            "name": service.name,
            "what": service.what,
            "on": service.is_enabled(settings),
            "variable": service.switch,
            "interval": None if service.is_consumer else service.interval(settings),
        }
        for service in SERVICES
    ]
