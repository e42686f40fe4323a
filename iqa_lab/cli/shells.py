"""The scripts by which bash, zsh and fish ask ``iqa-lab`` what Tab may complete, and where they belong."""

import os
from pathlib import Path

from iqa_lab.errors import UserError, choices

_BASH = r"""# completion of iqa-lab for bash
_iqa_lab() {
    local IFS=$'\n'
    COMPREPLY=($(_IQA_LAB_COMPLETE=bash _IQA_LAB_LINE="${COMP_LINE:0:COMP_POINT}" "$1" 2>/dev/null))
    [[ ${#COMPREPLY[@]} -gt 0 && ${COMPREPLY[0]} == *[=./] ]] && compopt -o nospace
    return 0
}
complete -o default -F _iqa_lab iqa-lab
"""

_ZSH = r"""#compdef iqa-lab
# completion of iqa-lab for zsh
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_iqa_lab() {
    local -a found open whole
    found=("${(@f)$(_IQA_LAB_COMPLETE=zsh _IQA_LAB_LINE="$LBUFFER" "$words[1]" 2>/dev/null)}")
    open=(${(M)found:#*[=./]})
    whole=(${found:#*[=./]})
    if (( $#open + $#whole )); then
        (( $#open )) && compadd -S '' -- $open
        (( $#whole )) && compadd -- $whole
    else
        compset -P '*='
        _files
    fi
}
if [ "$funcstack[1]" = "_iqa_lab" ]; then _iqa_lab "$@"; else compdef _iqa_lab iqa-lab; fi
"""

_FISH = r"""# completion of iqa-lab for fish
function __iqa_lab
    set -l program (commandline -opc)[1]
    set -l found (_IQA_LAB_COMPLETE=fish _IQA_LAB_LINE=(commandline -cp | string collect) $program 2>/dev/null)
    if test (count $found) -gt 0
        printf '%s\n' $found
    else
        set -l typed (commandline -ct)
        set -l head (string match -r '^.*=' -- $typed)
        __fish_complete_path (string replace -r '^.*=' '' -- $typed) | string replace -r '^' "$head"
    end
end
complete -c iqa-lab -f -a '(__iqa_lab)'
"""

_SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def named(shell: str | None) -> str:
    """The shell that is meant; without a name that of ``$SHELL``.

    Raises:
        UserError: there is no completion for it.
    """
    name = shell or Path(os.environ.get("SHELL") or "bash").name
    if name not in _SCRIPTS:
        raise UserError(f"no completion for {name}; choose from {choices(name, _SCRIPTS)}")
    return name


def script(shell: str) -> str:
    """The script of a shell."""
    return _SCRIPTS[shell]


def install(shell: str) -> str:
    """Write the script where the shell looks for it; returns what was done, in words.

    bash and zsh are told by one line in ``~/.bashrc`` or ``~/.zshrc``; doing it twice changes nothing.
    """
    if shell == "fish":
        config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        return f"{_written(config / 'fish' / 'completions' / 'iqa-lab.fish', shell)}: new shells complete iqa-lab"
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    file = _written(data / "iqa_lab" / f"completion.{shell}", shell)
    home = Path(os.environ.get("ZDOTDIR") or Path.home()) if shell == "zsh" else Path.home()
    settings = home / f".{shell}rc"
    line = f"[ -r '{file}' ] && . '{file}'  # iqa-lab completion"
    there = settings.read_text(encoding="utf-8") if settings.exists() else ""
    if line not in there.splitlines():
        end = "" if not there or there.endswith("\n") else "\n"
        with settings.open("a", encoding="utf-8") as out:
            out.write(f"{end}{line}\n")
    return f"{file}, read by {settings}: new shells complete iqa-lab; this one after: source {settings}"


def _written(file: Path, shell: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_SCRIPTS[shell], encoding="utf-8")
    return file
