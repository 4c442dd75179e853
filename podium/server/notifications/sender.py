"""Sends a claimed delivery, part by part."""

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence

from podium.profiles.sections.notifications import Notifications
from podium.server.notifications.addresses import Resolve, look_up
from podium.server.notifications.channels import parts
from podium.server.notifications.channels.about import About
from podium.server.notifications.claims import Delivery
from podium.server.notifications.hiding import Hidden
from podium.server.notifications.outcome import Failed, Outcome
from podium.server.notifications.sending import Part, Tls, Way

logger = logging.getLogger("podium.server.notifications")

Progress = Callable[[list[str]], Awaitable[bool]]


class Sender:
    """Sends what it is given; ``resolve`` finds the addresses of hosts."""

    def __init__(self, settings: Notifications, resolve: Resolve = look_up) -> None:
        self._settings = settings
        self._resolve = resolve
        self._tls = Tls()

    async def send(self, delivery: Delivery, note: Progress) -> Outcome:
        """Makes one attempt. ``note`` is told which parts are sent before the next is, and whether to go on."""
        hidden = Hidden(delivery.block.secrets if delivery.block else ())
        way = Way(self._settings, delivery.id, delivery.key, hidden, self._tls, self._resolve)
        try:
            if delivery.problem is not None:
                raise delivery.problem
            return await self._send_parts(self._parts(delivery), delivery, way, note)
        except Failed as failure:
            return Outcome(failure, failure.result, delivery.reached)
        except Exception as error:
            # A mistake of ours. Its text may hold what is secret; where it came from does not.
            trace = "".join(traceback.format_tb(error.__traceback__))
            logger.error("Delivery %s failed: %s\n%s", delivery.id, type(error).__name__, trace)
            return Outcome(Failed(f"unexpected {type(error).__name__}"), {}, delivery.reached)

    def _parts(self, delivery: Delivery) -> Sequence[Part]:
        about = About(delivery.key, self._settings, delivery.created, delivery.reached)
        slug, data = (delivery.block.slug, delivery.block.data) if delivery.block else (None, {})
        return parts(delivery.kind, slug, data, delivery.message, about)

    async def _send_parts(self, all_parts: Sequence[Part], delivery: Delivery, way: Way, note: Progress) -> Outcome:
        """Sends what is left. A part that fails for now ends the attempt, one that fails for good does not."""
        outcome = Outcome(reached=list(delivery.reached))
        left = [part for part in all_parts if not set(part.keys) <= set(outcome.reached)]
        failures: list[Failed] = []
        for number, part in enumerate(left):
            try:
                answer = await part.send(way)
            except Failed as failure:
                failures.append(failure)
                if not failure.permanent:
                    break
                continue
            outcome.result = answer.result
            outcome.reached.extend(answer.reached)
            failures.extend(answer.failures)
            if number < len(left) - 1 and not await note(outcome.reached):
                return outcome
        if failures:
            outcome.failure = _together(failures, len(outcome.reached))
        return outcome


def _together(failures: Sequence[Failed], reached: int) -> Failed:
    """One failure for all: for now, if any of them is."""
    if len(failures) == 1 and not reached:
        return failures[0]
    reason = "; ".join(dict.fromkeys(failure.reason for failure in failures))
    waits = [failure.retry_after for failure in failures if failure.retry_after]
    return Failed(
        f"sent to {reached}, failed for {len(failures)}: {reason}" if reached else reason,
        all(failure.permanent for failure in failures),
        max(waits, default=None),
        failures[-1].result,
    )
