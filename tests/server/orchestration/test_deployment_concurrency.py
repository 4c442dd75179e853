"""A run of a deployment with a concurrency limit holds exactly one slot from PENDING until it stops."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from podium.db.tables.concurrency import concurrency_lease_slots, concurrency_leases
from podium.db.tables.deployments import deployments
from podium.server.http.client_version import ClientVersion
from podium.server.operations.concurrency import release, renew
from podium.server.operations.flow_run_states import set_flow_run_state
from podium.server.operations.flow_runs import delete_flow_run
from podium.server.orchestration.policies import MARK_LATE_RUNS_POLICY
from tests.server.runs import Runs, state

OLD_CLIENT = ClientVersion(3, 4, 10)


def lease_of(runs: Runs, run_id: str) -> str:
    lease_id: str = runs.read(run_id)["state"]["state_details"]["deployment_concurrency_lease_id"]
    return lease_id


def expiration(runs: Runs, lease_id: str) -> float:
    """How many seconds the lease lasts from now."""
    rows = runs.units.all(select(concurrency_leases).where(concurrency_leases.c.id == lease_id))
    return float((rows[0]["expiration"] - runs.now).total_seconds())


def test_one_slot_from_pending_to_the_end(runs: Runs) -> None:
    """PENDING takes the slot with a lease of the grace period, its id goes along, and the end frees the slot."""
    deployment_id = runs.deployment(limit=1, grace=120)
    limit_id = runs.limit_of(deployment_id)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
    assert runs.slots(limit_id) == 0
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    lease_id = lease_of(runs, run_id)
    assert expiration(runs, lease_id) == pytest.approx(120, abs=1)
    runs.wait(100)
    for kind, name in (("PENDING", "Submitting"), ("RUNNING", None)):
        assert runs.set(run_id, kind, name).status == "ACCEPT"
        assert (runs.slots(limit_id), lease_of(runs, run_id)) == (1, lease_id)
    assert expiration(runs, lease_id) == pytest.approx(120, abs=1)
    assert runs.set(run_id, "COMPLETED").status == "ACCEPT"
    assert (runs.slots(limit_id), lease_of(runs, run_id)) == (0, lease_id)


def test_enqueue(runs: Runs) -> None:
    """Without a free slot a run goes back to wait for one."""
    deployment_id = runs.deployment(limit=1)
    first, second = (runs.make("SCHEDULED", deployment_id=deployment_id) for _ in range(2))
    runs.set(first, "PENDING")
    refused = runs.set(second, "PENDING")
    assert (refused.status, refused.stored) == ("REJECT", True)
    waiting = runs.read(second)
    assert (waiting["state_type"], waiting["state_name"]) == ("SCHEDULED", "AwaitingConcurrencySlot")
    assert waiting["next_scheduled_start_time"] == waiting["state"]["timestamp"] + timedelta(seconds=30)
    runs.set(first, "RUNNING")
    runs.set(first, "COMPLETED")
    assert runs.set(second, "PENDING").status == "ACCEPT"
    assert runs.slots(runs.limit_of(deployment_id)) == 1


def test_cancel_new(runs: Runs) -> None:
    """With that strategy a run that finds no slot is cancelled, also when it is only late."""
    deployment_id = runs.deployment(limit=1, strategy="CANCEL_NEW")
    first, second, third = (runs.make("SCHEDULED", deployment_id=deployment_id) for _ in range(3))
    assert runs.units.write(set_flow_run_state, first, state("SCHEDULED", "Late"), False, MARK_LATE_RUNS_POLICY).stored
    assert runs.read(first)["state_name"] == "Late"
    runs.set(first, "PENDING")
    runs.set(second, "PENDING")
    runs.units.write(set_flow_run_state, third, state("SCHEDULED", "Late"), False, MARK_LATE_RUNS_POLICY)
    assert [runs.read(run_id)["state_type"] for run_id in (first, second, third)] == [
        "PENDING",
        "CANCELLED",
        "CANCELLED",
    ]


def test_no_slot_to_have(runs: Runs) -> None:
    """A limit of 0 and a deployment that is gone stop the run; an inactive limit does not limit."""
    deployment_id = runs.deployment(limit=0)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
    assert runs.set(run_id, "PENDING").status == "ABORT"
    runs.set_limit(runs.limit_of(deployment_id), active=False)
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    gone = runs.deployment()
    run_id = runs.make("SCHEDULED", deployment_id=gone)
    runs.units.write(lambda tx: tx.run(delete(deployments).where(deployments.c.id == gone)))
    assert runs.set(run_id, "PENDING").status == "ABORT"


@pytest.mark.parametrize("kind", ["COMPLETED", "FAILED", "CRASHED", "CANCELLED", "SCHEDULED", "PAUSED"])
@pytest.mark.parametrize("force", [False, True])
def test_every_way_out_frees_the_slot_once(runs: Runs, kind: str, force: bool) -> None:
    """Whatever ends a run or takes it off its process gives the slot back."""
    deployment_id = runs.deployment(limit=2)
    limit_id = runs.limit_of(deployment_id)
    other, run_id = (runs.make("SCHEDULED", deployment_id=deployment_id) for _ in range(2))
    for each in (other, run_id):
        runs.set(each, "PENDING")
        runs.set(each, "RUNNING")
    assert runs.slots(limit_id) == 2
    assert runs.set(run_id, kind, force=force).status == "ACCEPT"
    assert runs.slots(limit_id) == 1
    runs.set(run_id, "CANCELLED", force=True)
    assert runs.slots(limit_id) == 1


def test_cancelling_keeps_the_slot_until_cancelled(runs: Runs) -> None:
    deployment_id = runs.deployment(limit=1)
    limit_id = runs.limit_of(deployment_id)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
    for kind, used in (("PENDING", 1), ("RUNNING", 1), ("CANCELLING", 1), ("CANCELLED", 0)):
        assert runs.set(run_id, kind).status == "ACCEPT"
        assert runs.slots(limit_id) == used


def test_deleting_a_run_frees_its_slot(runs: Runs) -> None:
    deployment_id = runs.deployment(limit=1)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
    runs.set(run_id, "PENDING")
    assert runs.units.write(delete_flow_run, run_id)
    assert runs.slots(runs.limit_of(deployment_id)) == 0


def test_a_retry_in_its_process_keeps_the_slot(runs: Runs) -> None:
    """The process that waits to retry is still there; cancelling it then gives the slot back."""
    deployment_id = runs.deployment(limit=1)
    limit_id = runs.limit_of(deployment_id)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id, empirical_policy={"retries": 3})
    runs.set(run_id, "PENDING")
    runs.set(run_id, "RUNNING")
    runs.set(run_id, "FAILED")
    assert (runs.read(run_id)["state_name"], runs.slots(limit_id)) == ("AwaitingRetry", 1)
    lease_id = lease_of(runs, run_id)
    runs.set(run_id, "RUNNING")
    assert (runs.slots(limit_id), lease_of(runs, run_id)) == (1, lease_id)
    runs.set(run_id, "FAILED")
    runs.set(run_id, "CANCELLING")
    assert (runs.read(run_id)["state_type"], runs.slots(limit_id)) == ("CANCELLED", 0)


def test_a_retrying_run_that_is_handed_out_keeps_its_one_slot(runs: Runs) -> None:
    deployment_id = runs.deployment(limit=2)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id, empirical_policy={"retries": 3})
    runs.set(run_id, "PENDING")
    runs.set(run_id, "RUNNING")
    runs.set(run_id, "FAILED")
    lease_id = lease_of(runs, run_id)
    assert runs.set(run_id, "PENDING").status == "ACCEPT"
    assert (runs.slots(runs.limit_of(deployment_id)), lease_of(runs, run_id)) == (1, lease_id)


def test_a_lost_lease_is_replaced_at_running(runs: Runs) -> None:
    """A run whose slot was taken back while its infrastructure started takes a new one, or is cancelled."""
    deployment_id = runs.deployment(limit=1)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
    runs.set(run_id, "PENDING")
    lost = lease_of(runs, run_id)
    runs.units.write(release, lost)
    assert runs.set(run_id, "RUNNING").status == "ACCEPT"
    assert lease_of(runs, run_id) != lost
    late = runs.make("PENDING", deployment_id=deployment_id)
    outcome = runs.set(late, "RUNNING", deployment_concurrency_lease_id=lost)
    assert (outcome.status, runs.read(late)["state_type"]) == ("REJECT", "CANCELLED")
    assert runs.slots(runs.limit_of(deployment_id)) == 1


def test_a_start_that_must_wait_gives_its_new_slot_back(runs: Runs) -> None:
    """The slot that a rule took is given back when a later rule stops the transition."""
    deployment_id = runs.deployment(limit=1)
    limit_id = runs.limit_of(deployment_id)
    due = runs.now + timedelta(seconds=60)
    run_id = runs.make(state("SCHEDULED", scheduled_time=due), deployment_id=deployment_id)
    runs.set(run_id, "PENDING")
    runs.units.write(release, lease_of(runs, run_id))
    assert runs.set(run_id, "RUNNING").status == "WAIT"
    assert runs.slots(limit_id) == 0
    suspended = runs.make("PAUSED", deployment_id=deployment_id)
    assert runs.set(suspended, "PENDING").status == "REJECT"
    assert runs.slots(limit_id) == 0


def test_an_expired_lease_makes_room(runs: Runs) -> None:
    """A run that nobody renews loses its slot to the next one; what it reports then changes nothing for that."""
    deployment_id = runs.deployment(limit=1, grace=60)
    limit_id = runs.limit_of(deployment_id)
    lost, next_one = (runs.make("SCHEDULED", deployment_id=deployment_id) for _ in range(2))
    runs.set(lost, "PENDING")
    runs.set(lost, "RUNNING")
    runs.wait(61)
    assert runs.set(next_one, "PENDING").status == "ACCEPT"
    assert runs.slots(limit_id) == 1
    assert not runs.units.write(renew, lease_of(runs, lost), 60)
    assert runs.set(lost, "COMPLETED").status == "ACCEPT"
    assert runs.slots(limit_id) == 1


def test_clients_that_do_not_renew(runs: Runs) -> None:
    """The slot of a client before 3.4.11, or of an unknown one, cannot expire; the end of the run frees it."""
    for client in (OLD_CLIENT, None):
        runs.client = client
        deployment_id = runs.deployment(limit=1)
        run_id, next_one = (runs.make("SCHEDULED", deployment_id=deployment_id) for _ in range(2))
        runs.set(run_id, "PENDING")
        runs.set(run_id, "RUNNING")
        runs.wait(86400)
        assert runs.set(next_one, "PENDING").status == "REJECT"
        runs.set(run_id, "COMPLETED")
        assert runs.slots(runs.limit_of(deployment_id)) == 0


def test_clients_that_take_slots_themselves(runs: Runs) -> None:
    """From 3.0.0rc20 to 3.0.3 the client does it, so the server does not."""
    deployment_id = runs.deployment(limit=1)
    for client, used in (
        (ClientVersion(3, 0, 0, "rc19"), 1),
        (ClientVersion(3, 0, 0, "rc20"), 0),
        (ClientVersion(3, 0, 0), 0),
        (ClientVersion(3, 0, 3), 0),
        (ClientVersion(3, 0, 4), 1),
    ):
        runs.client = client
        run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
        assert runs.set(run_id, "PENDING").status == "ACCEPT"
        assert runs.slots(runs.limit_of(deployment_id)) == used
        runs.set(run_id, "CANCELLED")


def test_a_lease_id_lost_by_the_states(runs: Runs) -> None:
    """A run whose state does not name its lease still gives back what it holds."""
    deployment_id = runs.deployment(limit=1)
    run_id = runs.make("SCHEDULED", deployment_id=deployment_id)
    runs.set(run_id, "PENDING")
    runs.set(run_id, "RUNNING", force=True)
    assert lease_of(runs, run_id) is None
    runs.set(run_id, "COMPLETED")
    assert runs.slots(runs.limit_of(deployment_id)) == 0
    left = runs.units.all(
        select(concurrency_lease_slots).where(
            concurrency_lease_slots.c.concurrency_limit_id == runs.limit_of(deployment_id)
        )
    )
    assert left == []
