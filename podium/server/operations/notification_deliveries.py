"""Sending again what was given up, and deleting what is not to be sent."""

from podium.db.unit import Row, Tx
from podium.server.automations import outcomes
from podium.server.errors import Conflict, NotFound
from podium.server.queries.generic import change, get, take_out
from podium.server.queries.notification_deliveries import DELIVERIES


def replay_delivery(tx: Tx, delivery_id: str) -> Row:
    """Has a delivery that was given up sent with all its attempts, before what waits behind it; one that waits, now.

    What its parts reached before is not sent again. Raises ``NotFound``, and ``Conflict`` for one that was delivered.
    Whoever calls this wakes ``DELIVERIES`` after the commit.
    """
    delivery = get(tx, DELIVERIES, delivery_id)
    if delivery["state"] == "delivered":
        raise Conflict("The delivery has arrived; it is not sent again.")
    changes: Row = {"not_before": None}
    if delivery["state"] == "dead":
        changes |= {"state": "waiting", "attempts": 0, "error": None, "ended": None}
    changed = change(tx, DELIVERIES, delivery_id, changes)
    assert changed is not None
    return changed


def delete_delivery(tx: Tx, delivery_id: str) -> None:
    """Deletes a delivery; the action that waits for it has failed then. Raises ``NotFound``."""
    delivery = take_out(tx, DELIVERIES, delivery_id)
    if delivery is None:
        raise NotFound("Notification delivery not found")
    if delivery["state"] == "waiting" and delivery["action_id"] is not None:
        outcomes.failed(tx, delivery["action_id"], "its delivery was deleted", {})
