"""Names for runs that were given none."""


def run_name() -> str:
    """A name of two words, such as ``quiet-otter``."""
    from coolname import generate_slug  # start-up time: only a server that makes a run needs its word lists

    name: str = generate_slug(2)
    return name
