"""The entry point of `podium`."""

import sys
from collections.abc import Sequence

from podium import __version__
from podium.cli.output import Output
from podium.client.nouns.printing import printable


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:
        # Answered here since the command tree takes longer to import than the answer is worth.
        Output().line(__version__)
        return 0
    if given[:1] == ["__complete"]:
        from podium.cli.completing import FILES, NoWords, complete

        try:
            for word, about in complete(given[1:]):
                Output().raw(f"{printable(word)}\t{printable(about)}\n" if about else f"{printable(word)}\n")
        except NoWords:
            return FILES
        return 0
    if given == ["dashboard"]:
        # Likewise: without the tree the first frame is there a tenth sooner.
        from podium.cli.dashboard import open_dashboard
        from podium.cli.diagnostics import Diagnostics

        try:
            open_dashboard()
        except (Exception, KeyboardInterrupt) as error:
            return Diagnostics().report(error)
        return 0
    from podium.cli.tree import run

    return run(given)
