"""Who knows the incumbent's commands finds those that speak with a server under the same words and options."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from podium.cli.commands import ROWS
from tests.cli.incumbent import PLURALS, TREE
from tests.cli.tree import find, leaves

USER_CODE = "it imports flows, which are the SDK's"
CLOUD = "it speaks with the incumbent's cloud"
DEVELOPERS = "it is for the developers of the incumbent"
PLUGINS = "it is about plugins of the SDK"
OWN_PROCESS = "background services run in the server, or with `server services start` until they are stopped"
INTEGRATION = "it is of an integration, which brings its own"

ABSENT = {
    "deploy": USER_CODE,
    "deploy init": USER_CODE,
    "init": USER_CODE,
    "flow serve": USER_CODE,
    "flow-run execute": USER_CODE,
    "task serve": USER_CODE,
    "block register": USER_CODE,
    "shell watch": "`podium run -- COMMAND`",
    "shell serve": "`podium schedule create -- COMMAND` and `podium worker start`",
    "sdk generate": USER_CODE,
    "transfer": "`import --from URL`, and `export | apply`",
    "plugins diagnose": PLUGINS,
    "experimental plugins diagnose": PLUGINS,
    "work-pool provision-infrastructure": INTEGRATION,
    "work-pool provision-infra": INTEGRATION,
    "server database revision": DEVELOPERS,
    "server database stamp": DEVELOPERS,
    "server services stop": OWN_PROCESS,
    "server services manager": DEVELOPERS,
    "profile populate-defaults": "the built-in profiles are always there",
}
"""Why a command is not there; everything of the cloud and of its developers is not."""

ALIASES_ABSENT = {"server services enable": OWN_PROCESS}

OPTIONS_ABSENT = {
    "flow-run inspect --web": "there is no page for a run",
    "task-run inspect --web": "there is no page for a run",
    "flow-run retry --entrypoint -e": USER_CODE,
    "deployment ls --by-created": "`--sort created`",
    "server services start --background -b": OWN_PROCESS,
    "server start --keep-alive-timeout": "connections are kept as long as they are used",
    "server start --scheduler --late-runs": "services are switched by PODIUM_SERVER_SERVICES_…_ENABLED",
    "server start --analytics-on --analytics-off": "nothing is ever sent anywhere",
    "server start --ui": "`--ui-directory` names one to serve",
    "work-pool create --provision-infrastructure --provision-infra": INTEGRATION,
    "work-pool ls --verbose -v": "a wide terminal shows all columns, `-o json` everything",
    "work-queue ls --verbose -v": "a wide terminal shows all columns, `-o json` everything",
    "global-concurrency-limit inspect --file -f": "`-o json > FILE`",
    "artifact inspect --limit": "`artifact ls --all --key KEY`",
    "worker start --with-healthcheck": "`worker ls` and the status of its pool tell whether it lives",
    "worker start --install-policy": INTEGRATION,
    "worker start --base-job-template --create-pool-if-not-found": "a pool that is missing is made, for commands",
    "version --omit-integrations": "integrations are the SDK's",
}


class Command(NamedTuple):
    words: str
    others: tuple[str, ...]
    options: tuple[str, ...]


def commands() -> Iterator[Command]:
    for line in re.sub(r"\n +", " ", TREE.strip()).splitlines():
        words, _, options = line.partition(": ")
        words, _, others = words.partition(" + ")
        parent = words.rpartition(" ")[0]
        yield Command(words, tuple(f"{parent} {other}" for other in others.split()), tuple(options.split()))


def is_foreign(words: str) -> bool:
    return words.split()[0] in ("cloud", "dev")


def test_every_command_is_there_or_has_a_reason() -> None:
    """Under the same words."""
    there = {command.words for command in commands() if not is_foreign(command.words) and find(command.words)}
    wanted = {command.words for command in commands() if not is_foreign(command.words)}
    assert wanted - there == set(ABSENT)


def test_other_words_are_taken_too() -> None:
    """Plurals of groups, and what the incumbent calls a command besides."""
    others = {other for command in commands() if command.words not in ABSENT for other in command.others}
    missing = {words for words in (*PLURALS, *others) if not is_foreign(words) and not find(words)}
    assert missing == set(ALIASES_ABSENT)


def test_what_is_below_a_group_is_below_its_other_words_too() -> None:
    """Such as `deployments schedule ls` and `blocks types ls`."""
    others = [(row.words, f"{row.words.rpartition(' ')[0]} {alias}".strip()) for row in ROWS for alias in row.aliases]
    below = [
        (leaf.name, words, other) for leaf in leaves() for words, other in others if leaf.name.startswith(f"{words} ")
    ]
    assert len(below) > 100
    assert [name for name, words, other in below if not find(name.replace(words, other, 1))] == []


def test_every_option_is_taken_or_has_a_reason() -> None:
    """Under the same name, short ones too."""
    missing = set()
    for command in commands():
        found = find(command.words)
        if found is None or is_foreign(command.words):
            continue
        taken = {name for param in found.params for name in (*param.opts, *param.secondary_opts)}
        missing |= {f"{command.words} {option}" for option in command.options if option not in taken}
    excused = {
        f"{key.partition(' -')[0]} {option}" for key in OPTIONS_ABSENT for option in re.findall(r"(?<= )-\S+", key)
    }
    assert missing == excused
