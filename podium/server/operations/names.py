"""Names for runs that were given none."""

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from random import choices
from typing import Any


def run_name() -> str:
    """A name of two words, such as ``quiet-otter``."""
    return run_names(1)[0]


def run_names(count: int) -> list[str]:
    """So many names, each as of ``run_name``."""
    first, second = _words()
    return [f"{one}-{other}" for one, other in zip(choices(first, k=count), choices(second, k=count), strict=True)]  # noqa: S311 - names, no secrets


@cache
def _words() -> tuple[list[str], list[str]]:
    """The first words and the second ones, out of the lists of coolname.

    Only they are loaded: its generator takes 30 ms to make, and seven times as long for a name.
    """
    package = find_spec("coolname")
    assert package is not None
    assert package.origin is not None
    spec = spec_from_file_location("coolname_lists", Path(package.origin).with_name("data") / "__init__.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    lists = module.config
    [pattern] = lists["2"]["lists"]
    first, second = lists[pattern]["lists"]
    return _listed(lists, first), _listed(lists, second)


def _listed(lists: Mapping[str, Any], name: str) -> list[str]:
    """All words of a list, which may be one of lists."""
    chosen = lists[name]
    words: list[str] = chosen.get("words") or [word for each in chosen["lists"] for word in _listed(lists, each)]
    return words
