"""`podium completion`: completion for the shells."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from podium.cli.context import FormatOption, current
from podium.cli.declaring import example
from podium.cli.diagnostics import ExitCode, Failure

app = typer.Typer(rich_markup_mode=None, add_completion=False)

Shell = Literal["bash", "zsh", "fish"]

BASH = """\
# podium completion bash
_podium_complete() {
    local IFS=$'\\n' line
    local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
    COMPREPLY=()
    # What readline took apart at colons and equals signs is put together again by the program, not here.
    while IFS= read -r line; do
        COMPREPLY+=("${line%%$'\\t'*}")
    done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}
complete -o default -F _podium_complete podium
"""

ZSH = """\
#compdef podium
# podium completion zsh
_podium_complete() {
    local -a choices
    local line
    while IFS= read -r line; do
        local word="${line%%$'\\t'*}" about=""
        [[ "$line" == *$'\\t'* ]] && about="${line#*$'\\t'}"
        choices+=("${word//:/\\\\:}${about:+:$about}")
    done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#choices} )); then _describe 'podium' choices; else _files; fi
}
compdef _podium_complete podium
"""

FISH = """\
# podium completion fish
function __podium_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete $words[2..-1] 2>/dev/null
end
complete -c podium -f -a '(__podium_complete)'
"""

SCRIPTS: dict[str, str] = {"bash": BASH, "zsh": ZSH, "fish": FISH}
PLACES: dict[str, str] = {
    "bash": ".local/share/bash-completion/completions/podium",
    "zsh": ".zfunc/_podium",
    "fish": ".config/fish/completions/podium.fish",
}


@app.command(
    "completion",
    epilog=example("source <(podium completion bash)", "podium completion zsh --install", "podium completion fish"),
)
def completion(
    context: typer.Context,
    shell: Annotated[Shell | None, typer.Argument(metavar="bash|zsh|fish", help="That of SHELL if left out.")] = None,
    install: Annotated[bool, typer.Option("--install", help="Write it to where the shell looks for it.")] = False,
    output: FormatOption = "table",
) -> None:
    """Complete commands and names in a shell.

    Prints the script that the shell has to read; names are those of what is on the server.
    """
    invocation = current(context)
    chosen = shell or Path(os.environ.get("SHELL", "")).name
    if chosen not in SCRIPTS:
        raise Failure(f"Which shell? These are known: {', '.join(SCRIPTS)}.", ExitCode.USAGE)
    script = SCRIPTS[chosen]
    if install:
        place = Path.home() / PLACES[chosen]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(script, "utf-8")
        invocation.diagnostics.note(f"Wrote {place}; it takes effect in the next shell.")
        if chosen == "zsh":
            invocation.diagnostics.note("~/.zshrc needs `fpath+=~/.zfunc` before `compinit`.")
    if output != "table":
        place_text = str(Path.home() / PLACES[chosen])
        invocation.output.data({"shell": chosen, "script": script, "place": place_text}, output, ("shell",))
    elif not install:
        invocation.output.raw(script)
