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

BASH = r"""# podium completion bash
_podium_complete() {
    local line=${COMP_LINE:0:COMP_POINT} blanks word quote="" kept="" i
    local -a words=()
    # readline takes words apart at colons and equals signs: what the line has in one piece is one word.
    for ((i = 0; i <= COMP_CWORD; i++)); do
        blanks=${line%%[![:blank:]]*}
        line=${line#"$blanks"}
        if ((i == COMP_CWORD)); then word=$line; else word=${COMP_WORDS[i]}; fi
        line=${line#"$word"}
        if [[ -n $blanks || $i == 0 ]]; then words+=("$word"); else words[${#words[@]} - 1]+=$word; fi
    done
    word=${words[${#words[@]} - 1]}
    case $word in
        [\"\']*) quote=${word:0:1} ;;
        *[:=]*) kept=${word%"${word##*[:=]}"} ;; # readline leaves it there
    esac
    COMPREPLY=()
    words=("${words[@]//[\\\"\']/}")
    line=$("${COMP_WORDS[0]}" __complete "${words[@]:1}" 2>/dev/null)
    # Names of files only where they may stand.
    (($? == 0)) && compopt +o default 2>/dev/null
    while IFS= read -r word; do
        word=${word%%$'\t'*}
        [[ -n $word ]] || continue
        [[ $word == *= ]] && compopt -o nospace 2>/dev/null
        # What comes from a server is never run by the shell.
        case $quote in
            \') word=${word//\'/\'\\\'\'} ;;
            \") word=${word//\\/\\\\} word=${word//\"/\\\"} word=${word//\$/\\\$} word=${word//\`/\\\`} ;;
            *) [[ $word == *[!A-Za-z0-9_./:=@%+,-]* ]] && printf -v word %q "$word" ;;
        esac
        COMPREPLY+=("${word#"$kept"}")
    done <<<"$line"
}
complete -o default -F _podium_complete podium
"""

ZSH = r"""#compdef podium
# podium completion zsh
_podium() {
    local -a choices unfinished
    local found line word about code
    found=$("${words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
    code=$?
    for line in "${(@f)found}"; do
        word="${line%%$'\t'*}" about=""
        [[ -n "$word" ]] || continue
        [[ "$line" == *$'\t'* ]] && about="${line#*$'\t'}"
        line="${${word//\\/\\\\}//:/\\:}${about:+:$about}"
        if [[ "$word" == *= ]]; then unfinished+=("$line"); else choices+=("$line"); fi
    done
    (( ${#choices} )) && _describe 'podium' choices
    (( ${#unfinished} )) && _describe 'podium' unfinished -S ''
    # Names of files only where they may stand.
    (( code )) && _files
    return 0
}
compdef _podium podium
# The file of this name in fpath is run the first time that something is completed.
[[ "${funcstack[1]}" == _podium ]] && _podium
true
"""

FISH = r"""# podium completion fish
function __podium_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l plain (string unescape -- $current; or string trim --left --chars '"\'' -- $current)
    set -l found ($words[1] __complete $words[2..-1] "$plain" 2>/dev/null)
    # Names of files only where they may stand.
    or __fish_complete_path $current
    printf '%s\n' $found
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
