"""Checking templates over HTTP."""

from podium.server.http.call import Call, Reply
from podium.wire import templates as wire


async def validate_template(call: Call, body: str) -> Reply:
    """An empty answer for a template, or what is wrong with it."""
    # Loaded on use: a server that renders nothing starts sooner and smaller without Jinja.
    from podium.server.operations.templating import syntax_problem

    problem = syntax_problem(body)
    if problem is None:
        return Reply(status=204)
    line, message = problem
    return Reply({"error": {"line": line, "message": message, "source": body}}, status=422)


ROUTES = (
    (wire.VALIDATE, validate_template),
    (wire.VALIDATE_FOR_AUTOMATIONS, validate_template),
)
