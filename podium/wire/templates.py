"""Checking templates before they are used."""

from podium.wire.endpoint import Answer, Endpoint
from podium.wire.problems import InvalidRequest, Problem


class TemplateError(Answer):
    """What is wrong with a template, and in which line."""

    line: int
    message: str
    source: str


class InvalidTemplate(Answer):
    """The answer to a template that is none (422)."""

    error: TemplateError


VALIDATE = Endpoint(
    method="POST",
    path="/templates/validate",
    summary="Check a template",
    body=str,
    body_required=False,
    status=204,
    statuses=(200, 422),
    problems={422: (InvalidTemplate, InvalidRequest, Problem)},
)
VALIDATE_FOR_AUTOMATIONS = Endpoint(
    method="POST",
    path="/automations/templates/validate",
    summary="Check a template of an automation",
    body=str,
    body_required=False,
    status=204,
    statuses=(200, 422),
    problems={422: (InvalidTemplate, InvalidRequest, Problem)},
)
