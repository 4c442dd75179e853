"""The templates of an action, rendered with what it knows (``context``)."""

from typing import Any

from podium.db.unit import Tx
from podium.server.automations.context import context_for
from podium.server.automations.invocation import ActionFailed, Effect, Invocation
from podium.server.operations.hydration import Unhydratable, hydrated, with_templates
from podium.server.operations.templating import Unrenderable, names_in, render


class Templates:
    """Renders what an action is given; why that fails is told of in its event."""

    def __init__(self, tx: Tx, invocation: Invocation, effect: Effect) -> None:
        self._tx = tx
        self._invocation = invocation
        self._effect = effect

    def texts(self, *templates: str) -> list[str]:
        """The texts of templates. Raises ``ActionFailed`` for one that fails."""
        context = context_for(self._tx, self._invocation.context, names_in(*templates))
        return [self._text(template, context) for template in templates]

    def _text(self, template: str, context: dict[str, Any]) -> str:
        try:
            return render(template, **context)
        except Unrenderable as error:
            self._effect.details["template_error"] = str(error)
            self._effect.details["template_source"] = template
            raise ActionFailed(f"Template rendering failed: {error}") from None

    def parameters(self, given: dict[str, Any]) -> dict[str, Any]:
        """Parameters with their templates rendered and everything else that stands for something put in place.

        A template that is one expression gives its value, any other a text.
        """
        parameters, templates = with_templates(given)
        context = context_for(self._tx, self._invocation.context, names_in(*templates))
        try:
            found: dict[str, Any] = hydrated(self._tx, parameters, context)
        except Unhydratable as error:
            raise ActionFailed(f"Unable to create flow run from deployment: {error.detail}") from None
        return found
