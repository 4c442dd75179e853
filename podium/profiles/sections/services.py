"""Background services: which run, how often, and how much at a time."""

from typing import Annotated, Literal

import msgspec

from podium.profiles.declaration import Seconds, Section, VacuumTargets, setting


class Scheduler(Section, frozen=True):
    """Makes the runs of deployment schedules ahead of time."""

    enabled: Annotated[bool, setting("Run the schedulers.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the scheduler.", gt=0)] = 60.0
    recent_deployments_loop_seconds: Annotated[
        Seconds, setting("Period of the scheduler for deployments that just changed.", gt=0)
    ] = 5.0
    deployment_batch_size: Annotated[int, setting("Deployments read at a time.", gt=0)] = 100
    insert_batch_size: Annotated[int, setting("Runs inserted at a time.", gt=0)] = 500
    min_runs: Annotated[int, setting("Fewest future runs of a schedule.", ge=0)] = 3
    max_runs: Annotated[int, setting("Most future runs of a schedule.", ge=0)] = 100
    min_scheduled_time: Annotated[
        Seconds, setting("Time ahead that is always scheduled; wins over min_runs.", ge=0)
    ] = 3600.0
    max_scheduled_time: Annotated[Seconds, setting("How far ahead runs are made; wins over max_runs.", ge=0)] = (
        8640000.0
    )
    catchup: Annotated[
        Literal["all", "latest", "none"] | None,
        setting(
            "What becomes of slots that have passed, for deployments without a tag that says it: all, latest, none."
        ),
    ] = None
    catchup_max_runs: Annotated[
        int, setting("Most runs made of a schedule for the slots of an outage of the scheduler.", ge=0)
    ] = 1000


class LateRuns(Section, frozen=True):
    """Marks runs that nobody started in time."""

    enabled: Annotated[bool, setting("Mark late runs.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 5.0
    after_seconds: Annotated[Seconds, setting("How late a run is before it is marked.", ge=0)] = 15.0


class PauseExpirations(Section, frozen=True):
    """Fails runs whose pause lasted too long."""

    enabled: Annotated[bool, setting("Fail runs whose pause expired.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 5.0


class CancellationCleanup(Section, frozen=True):
    """Ends what a cancelled run left behind."""

    enabled: Annotated[bool, setting("Cancel what belongs to cancelled runs.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 20.0
    cancelling_timeout_seconds: Annotated[
        Seconds, setting("How long a run may stay Cancelling before it is cancelled for it.", gt=0)
    ] = 300.0


class CleanupReconciler(Section, frozen=True):
    """Gives back cleanup work that a worker took and did not finish."""

    enabled: Annotated[bool, setting("Offer lost cleanup work again.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 5.0
    batch_size: Annotated[int, setting("Cleanup leases looked at a time.", gt=0)] = 100


class Foreman(Section, frozen=True):
    """Tells which workers, queues and deployments are alive."""

    enabled: Annotated[bool, setting("Watch workers, work queues and deployments.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 15.0
    inactivity_heartbeat_multiple: Annotated[
        int, setting("Missed heartbeats after which a worker is offline.", gt=0)
    ] = 3
    fallback_heartbeat_interval_seconds: Annotated[
        int, setting("Seconds between heartbeats of workers that do not say.", gt=0)
    ] = 30
    deployment_last_polled_timeout_seconds: Annotated[
        int, setting("Seconds without a poll after which a deployment is not ready.", gt=0)
    ] = 60
    work_queue_last_polled_timeout_seconds: Annotated[
        int, setting("Seconds without a poll after which a work queue is not ready.", gt=0)
    ] = 60


class Repossessor(Section, frozen=True):
    """Takes back concurrency slots whose holder is gone."""

    enabled: Annotated[bool, setting("Take back expired concurrency slots.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 15.0


class Zombies(Section, frozen=True):
    """Ends runs whose process is gone."""

    enabled: Annotated[bool, setting("End runs whose process is gone.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 30.0
    heartbeat_interval_seconds: Annotated[
        Seconds,
        setting(
            "Longest time between heartbeats that clients are set to (their PREFECT_FLOWS_HEARTBEAT_FREQUENCY).", gt=0
        ),
    ] = 180.0
    missed_heartbeats: Annotated[int, setting("Heartbeats that a running flow may miss.", gt=0)] = 3
    silence_seconds: Annotated[
        Seconds,
        setting(
            "How long a run without any heartbeats may be silent once the worker that ran its process is gone.", gt=0
        ),
    ] = 3600.0
    pending_seconds: Annotated[
        Seconds, setting("How long a run that was taken may stay Pending, and one that waits to retry overdue.", gt=0)
    ] = 600.0
    pending_with_worker_seconds: Annotated[
        Seconds, setting("The same while the worker that took it is online.", gt=0)
    ] = 3600.0


class Tallies(Section, frozen=True):
    """Rolls up the runs and events of the past, so that counting all of them stays quick."""

    enabled: Annotated[bool, setting("Roll up past runs for counts and histories.")] = True
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 60.0
    batch_size: Annotated[int, setting("Half hours of runs rolled up in a transaction.", gt=0)] = 10


class DbVacuum(Section, frozen=True):
    """Deletes what is too old."""

    enabled: Annotated[
        VacuumTargets, setting("What is deleted: words of events, flow_runs, orphans; true: all; false: events only.")
    ] = frozenset({"events"})
    loop_seconds: Annotated[Seconds, setting("Period of the service.", gt=0)] = 3600.0
    orphan_cleanup_loop_seconds: Annotated[Seconds, setting("Period of the search for orphans.", gt=0)] = 86400.0
    batch_size: Annotated[int, setting("Rows deleted in a transaction.", gt=0)] = 200
    retention_period: Annotated[
        Seconds, setting("Age after their end at which flow runs are deleted; more than an hour.", gt=3600)
    ] = 7776000.0
    log_retention_period: Annotated[
        Seconds | None,
        setting("Age at which log lines of runs that are over are deleted; without: they go with their run.", gt=0),
    ] = None
    leftover_retention_period: Annotated[
        Seconds, setting("Age at which what nobody needs any more is deleted: workers that are gone, for one.", gt=0)
    ] = 2592000.0
    event_retention_overrides: Annotated[
        dict[str, Seconds],
        setting("JSON object of event names and shorter retention periods.", gt=0),
    ] = msgspec.field(default_factory=lambda: {"prefect.flow-run.heartbeat": 604800.0})


class EventLogger(Section, frozen=True):
    """Logs every event."""

    enabled: Annotated[bool, setting("Log every event at level INFO, in the process that stores it.")] = False


class EventPersister(Section, frozen=True):
    """Stores events."""

    enabled: Annotated[bool, setting("Store events.")] = True
    batch_size: Annotated[int, setting("Events stored at a time.", gt=0)] = 20
    read_batch_size: Annotated[int, setting("Events taken from the broker at a time.", gt=0)] = 1
    flush_interval: Annotated[Seconds, setting("How long an event waits to be stored at most.", gt=0)] = 5.0
    queue_max_size: Annotated[int, setting("Events kept in memory before they are dropped.", gt=0)] = 50000
    max_flush_retries: Annotated[int, setting("Failed attempts after which a batch is dropped.", gt=0)] = 5


class TaskRunRecorder(Section, frozen=True):
    """Makes task runs out of their events."""

    enabled: Annotated[bool, setting("Record task runs from events.")] = True
    batch_size: Annotated[int, setting("Task runs recorded at a time.", gt=0)] = 1
    read_batch_size: Annotated[int, setting("Events taken from the broker at a time.", gt=0)] = 1
    flush_interval: Annotated[Seconds, setting("How long an event waits to be recorded at most.", gt=0)] = 5.0


class Triggers(Section, frozen=True):
    """Evaluates automations and runs their actions."""

    enabled: Annotated[bool, setting("Evaluate automations.")] = True
    read_batch_size: Annotated[int, setting("Events taken from the broker at a time.", gt=0)] = 1
    pg_notify_heartbeat_interval_seconds: Annotated[
        int, setting("Seconds between checks that PostgreSQL still notifies.", gt=0)
    ] = 5
    pg_notify_reconnect_interval_seconds: Annotated[
        int, setting("Seconds before listening to PostgreSQL is tried again.", gt=0)
    ] = 10


class Deliveries(Section, frozen=True):
    """Sends notifications, email and calls of webhooks."""

    enabled: Annotated[bool, setting("Send notifications, email and calls of webhooks.")] = True


class Services(Section, frozen=True):
    """All background services."""

    health_host: Annotated[str, setting("Address where a process that only runs services tells how it is.")] = (
        "127.0.0.1"
    )
    health_port: Annotated[int, setting("Port where it does; 0: any free one.", ge=0, le=65535)] = 0
    scheduler: Scheduler = msgspec.field(default_factory=Scheduler)
    late_runs: LateRuns = msgspec.field(default_factory=LateRuns)
    pause_expirations: PauseExpirations = msgspec.field(default_factory=PauseExpirations)
    cancellation_cleanup: CancellationCleanup = msgspec.field(default_factory=CancellationCleanup)
    cleanup_reconciler: CleanupReconciler = msgspec.field(default_factory=CleanupReconciler)
    foreman: Foreman = msgspec.field(default_factory=Foreman)
    repossessor: Repossessor = msgspec.field(default_factory=Repossessor)
    zombies: Zombies = msgspec.field(default_factory=Zombies)
    tallies: Tallies = msgspec.field(default_factory=Tallies)
    db_vacuum: DbVacuum = msgspec.field(default_factory=DbVacuum)
    event_logger: EventLogger = msgspec.field(default_factory=EventLogger)
    event_persister: EventPersister = msgspec.field(default_factory=EventPersister)
    task_run_recorder: TaskRunRecorder = msgspec.field(default_factory=TaskRunRecorder)
    triggers: Triggers = msgspec.field(default_factory=Triggers)
    notifications: Deliveries = msgspec.field(default_factory=Deliveries)
