"""Rules about the concurrency limit of a deployment: a run holds one slot from PENDING until it stops.

The slot is a lease, whose id goes from state to state in the details. The process that runs the flow renews it.
"""

from typing import Any, Literal

import msgspec

from podium.server.http.client_version import ClientVersion
from podium.server.operations import concurrency
from podium.server.orchestration.engine import Rule, all_but, only
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import FlowRunTransition
from podium.server.queries import leases
from podium.wire.states import StateDetails

HOLDING = ("PENDING", "RUNNING", "CANCELLING")
RENEWING_CLIENTS = (3, 4, 11)
AWAITING_SLOT = "AwaitingConcurrencySlot"


class _Options(msgspec.Struct):
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = "ENQUEUE"
    grace_period_seconds: int | None = None


_decode_options = msgspec.json.Decoder(_Options | None).decode


def _options(transition: FlowRunTransition) -> _Options:
    stored = transition.run["concurrency_options"]
    return (_decode_options(stored) if stored is not None else None) or _Options()


def _grace(transition: FlowRunTransition) -> float:
    default = transition.tx.settings.server.concurrency.initial_deployment_lease_duration
    return _options(transition).grace_period_seconds or default


def takes_slots_itself(version: ClientVersion | None) -> bool:
    """Whether this client takes the slots of its deployments on its own: 3.0.0rc20 to 3.0.3."""
    if version is None or not (3, 0, 0) <= version.release <= (3, 0, 3):
        return False
    if version.release == (3, 0, 0) and version.suffix.startswith(("a", "b", "rc")):
        number = version.suffix.removeprefix("rc")
        return number.isdigit() and int(number) >= 20
    return True


def renews_leases(version: ClientVersion | None) -> bool:
    """Whether this client keeps the lease of its deployment's slot alive."""
    return version is not None and version.release >= RENEWING_CLIENTS


def _keep_lease_id(transition: FlowRunTransition) -> None:
    initial, proposed = transition.initial, transition.proposed
    if initial is None or proposed is None:
        return
    if proposed.details.deployment_concurrency_lease_id is None:
        proposed.details.deployment_concurrency_lease_id = initial.details.deployment_concurrency_lease_id


PRESERVE_LEASE_ID = Rule("PreserveDeploymentConcurrencyLeaseId", before=_keep_lease_id, always=True)


def _take_slot(transition: FlowRunTransition) -> str | None:
    """Takes a slot for the proposed state if the deployment has a limit; the lease's id.

    Decides the outcome when there is none to take and so the state has to be another.
    """
    run, proposed = transition.run, transition.proposed
    assert proposed is not None
    limit_id = run["concurrency_limit_id"]
    locked = leases.lock_limits(transition.tx, [limit_id]) if limit_id is not None else []
    if not locked or not locked[0]["active"]:
        return None
    if locked[0]["limit"] == 0 and proposed.type == "PENDING":
        transition.abort("The concurrency limit of the deployment is 0.")
        return None
    taken = concurrency.acquire_locked(transition.tx, locked, 1, _grace(transition), ("flow_run", run["id"]))
    if isinstance(taken, concurrency.Taken):
        proposed.details.deployment_concurrency_lease_id = taken.lease_id
        return taken.lease_id
    if proposed.type == "PENDING" and _options(transition).collision_strategy == "ENQUEUE":
        wait = transition.tx.settings.server.deployments.concurrency_slot_wait_seconds
        details = StateDetails(scheduled_time=transition.later(wait))
        transition.reject(
            "The concurrency limit of the deployment is reached.",
            State("SCHEDULED", transition.now, AWAITING_SLOT, details=details),
        )
    else:
        _cancel(transition)
    return None


def _cancel(transition: FlowRunTransition) -> None:
    message = "The concurrency limit of the deployment is reached."
    transition.reject(message, State("CANCELLED", transition.now, message=message))


def _secure_slot(transition: FlowRunTransition) -> Any:
    run, initial, proposed = transition.run, transition.initial, transition.proposed
    assert proposed is not None
    if run["deployment_id"] is None or takes_slots_itself(transition.client_version):
        return None
    if run["deployment_name"] is None:
        return transition.abort("The deployment of this run does not exist any more.")
    held = initial.details.deployment_concurrency_lease_id if initial is not None else None
    if held is not None and concurrency.renew(transition.tx, held, _grace(transition)):
        proposed.details.deployment_concurrency_lease_id = held
        return None
    return _take_slot(transition)


def _give_back(transition: FlowRunTransition, memo: Any) -> None:
    if memo is not None:
        concurrency.release(transition.tx, memo)


SECURE_FLOW_CONCURRENCY_SLOTS = Rule(
    "SecureFlowConcurrencySlots",
    all_but(*HOLDING),
    only("PENDING"),
    before=_secure_slot,
    cleanup=_give_back,
)


def _validate_slot(transition: FlowRunTransition) -> Any:
    proposed, run = transition.proposed, transition.run
    assert proposed is not None
    lease_id = proposed.details.deployment_concurrency_lease_id
    if lease_id is None or run["deployment_name"] is None or not renews_leases(transition.client_version):
        return None
    if concurrency.renew(transition.tx, lease_id, _grace(transition)):
        return None
    return _take_slot(transition)


VALIDATE_DEPLOYMENT_CONCURRENCY_AT_RUNNING = Rule(
    "ValidateDeploymentConcurrencyAtRunning",
    only("PENDING"),
    only("RUNNING"),
    before=_validate_slot,
    cleanup=_give_back,
)


def _keep_for_old_client(transition: FlowRunTransition, memo: Any) -> None:
    assert transition.proposed is not None
    lease_id = transition.proposed.details.deployment_concurrency_lease_id
    if lease_id is not None and not renews_leases(transition.client_version):
        concurrency.renew(transition.tx, lease_id, concurrency.FOREVER)


REMOVE_LEASE_FOR_OLD_CLIENT_VERSIONS = Rule(
    # The slot stays taken and nobody renews its lease, so that the lease must not expire; the run's end ends it.
    "RemoveDeploymentConcurrencyLeaseForOldClientVersions",
    only("PENDING"),
    only("RUNNING", "CANCELLING"),
    after=_keep_for_old_client,
)


def _release(transition: FlowRunTransition, memo: Any) -> None:
    initial, proposed = transition.initial, transition.proposed
    if initial is None or proposed is None or proposed.type in HOLDING or not holds_slot(transition):
        return
    if transition.status == "REJECT" and proposed.type == "SCHEDULED" and proposed.name == "AwaitingRetry":
        return
    release_slot(transition, initial)


def holds_slot(transition: FlowRunTransition) -> bool:
    """Whether the run may hold a slot: it is active, or waits in its own process to retry."""
    initial = transition.initial
    if initial is None:
        return False
    waits_in_process = initial.type == "SCHEDULED" and initial.name == "AwaitingRetry"
    return initial.type in HOLDING or waits_in_process


def release_slot(transition: FlowRunTransition, initial: State) -> None:
    """Gives the slot back by its lease, or, when no state says which that is, by its holder."""
    lease_id = initial.details.deployment_concurrency_lease_id
    limit_id = transition.run["concurrency_limit_id"]
    if lease_id is not None:
        concurrency.release(transition.tx, lease_id)
    elif limit_id is not None:
        concurrency.release_for_holder(transition.tx, ("flow_run", transition.run["id"]), [limit_id])


RELEASE_FLOW_CONCURRENCY_SLOTS = Rule("ReleaseFlowConcurrencySlots", after=_release, always=True)


def _check_late(transition: FlowRunTransition) -> None:
    limit_id = transition.run["concurrency_limit_id"]
    proposed = transition.proposed
    if limit_id is None or proposed is None or proposed.name != "Late":
        return
    if _options(transition).collision_strategy != "CANCEL_NEW":
        return
    locked = leases.lock_limits(transition.tx, [limit_id])
    if not locked or not locked[0]["active"]:
        return
    if concurrency.slots_in_use(transition.tx, locked)[limit_id] >= locked[0]["limit"]:
        _cancel(transition)


ENFORCE_DEPLOYMENT_CONCURRENCY_ON_LATE = Rule(
    "EnforceDeploymentConcurrencyOnLate", only("SCHEDULED"), only("SCHEDULED"), before=_check_late
)
