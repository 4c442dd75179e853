"""Who makes a request on behalf of an automation."""

import base64
import binascii
from typing import Any

from falcon.asgi import Request

from podium.db.ids import canonical_id


def automation_of(request: Request) -> dict[str, Any] | None:
    """The automation a request is made for, as ``created_by`` and ``updated_by`` say it; None for any other request."""
    automation_id = canonical_id(request.get_header("Prefect-Automation-ID") or "")
    if automation_id is None:
        return None
    encoded = request.get_header("Prefect-Automation-Name") or ""
    try:
        name = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        name = encoded
    return {"id": automation_id, "type": "AUTOMATION", "display_value": name or None}
