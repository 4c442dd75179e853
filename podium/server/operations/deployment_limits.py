"""The concurrency limit of a deployment: one of its own, or a global one it is linked to."""

from podium.db.unit import Tx
from podium.server.errors import NotFound
from podium.server.queries import leases


def own_limit_name(deployment_id: str) -> str:
    """The name of the limit that a deployment has for itself."""
    return f"deployment:{deployment_id}"


def own_limit(tx: Tx, deployment_id: str, limit: int) -> str:
    """The id of the deployment's own limit, set to so many slots; made when there is none."""
    name = own_limit_name(deployment_id)
    found = leases.find_limit(tx, "name", name)
    if found is not None:
        if found["limit"] != limit or not found["active"]:
            leases.change_limit(tx, found["id"], {"limit": limit, "active": True})
        return str(found["id"])
    return str(leases.add_limit(tx, {"name": name, "limit": limit})["id"])


def remove_own_limit(tx: Tx, deployment_id: str, unless: str | None = None) -> None:
    """Deletes the deployment's own limit, if it has one and that is not ``unless``."""
    found = leases.find_limit(tx, "name", own_limit_name(deployment_id))
    if found is not None and found["id"] != unless:
        leases.remove_limit(tx, found["id"])


def check_limit(tx: Tx, limit_id: str) -> str:
    """The id of a limit; ``NotFound`` when there is no such limit."""
    if leases.find_limit(tx, "id", limit_id) is None:
        raise NotFound("Concurrency limit not found")
    return limit_id
