"""Checking templates over HTTP."""

from jinja2 import TemplateSyntaxError

from podium.server.http.call import Call, Reply
from podium.server.operations.hydration import check_template
from podium.wire import templates as wire


async def validate_template(call: Call, body: str) -> Reply:
    """An empty answer for a template, or what is wrong with it."""
    try:
        check_template(body)
    except TemplateSyntaxError as error:
        problem = {"line": error.lineno, "message": error.message or "not a template", "source": body}
        return Reply({"error": problem}, status=422)
    return Reply(status=204)


ROUTES = ((wire.VALIDATE, validate_template),)
