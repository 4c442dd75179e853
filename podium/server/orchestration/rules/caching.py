"""Rules about taking a task's result from the cache and putting it there."""

from typing import Any

from podium.server.orchestration.engine import ANY, Rule, only
from podium.server.orchestration.states import State
from podium.server.orchestration.transition import TaskRunTransition
from podium.server.queries import task_run_transitions as queries


def _retrieve(transition: TaskRunTransition) -> None:
    assert transition.proposed is not None
    details = transition.proposed.details
    if not details.cache_key or details.refresh_cache:
        return
    found = queries.cached_state(transition.tx, details.cache_key)
    if found is not None:
        cached = State(
            found["type"], found["timestamp"], found["name"], found["message"], found["data"], found["state_details"]
        )
        transition.reject("The result is cached.", cached.copy(transition.now, "Cached"))


CACHE_RETRIEVAL = Rule("CacheRetrieval", ANY, only("RUNNING"), before=_retrieve)


def _check_key(transition: TaskRunTransition) -> None:
    proposed = transition.proposed
    assert proposed is not None
    longest = transition.tx.settings.server.tasks.max_cache_key_length
    if len(proposed.details.cache_key or "") > longest:
        transition.reject(f"The cache key is longer than {longest} characters.", proposed)


def _insert(transition: TaskRunTransition, memo: Any) -> None:
    proposed = transition.proposed
    assert proposed is not None
    details = proposed.details
    if details.cache_key:
        queries.cache_state(transition.tx, details.cache_key, details.cache_expiration, proposed.id)


CACHE_INSERTION = Rule("CacheInsertion", ANY, only("COMPLETED"), before=_check_key, after=_insert)
