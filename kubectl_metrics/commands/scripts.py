"""What ``kubectl-metrics completion`` prints: how each shell asks the tool what can come next.

The scripts are as short as they can be. What the words on the line mean, which of them is being completed, and how a
candidate is quoted is known to ``completing``, which they call as ``kubectl-metrics __complete SHELL ...``. Nothing of
the line is ever evaluated. The last line of an answer tells what else to do (``completing.answers``).
"""

from __future__ import annotations

BASH = r"""# Completion of kubectl-metrics for bash 4 and later: source <(kubectl-metrics completion bash)

_kubectl_metrics() {
    local tool=$1 line mode=-
    [[ $tool == "~/"* ]] && tool=$HOME${tool:1}
    COMPREPLY=()
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$tool" __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_TYPE" "${COLUMNS:-80}" "$COMP_WORDBREAKS" \
        2>/dev/null)
    local last=$((${#COMPREPLY[@]} - 1))
    if ((last >= 0)); then
        mode=${COMPREPLY[last]}
        unset "COMPREPLY[last]"
    fi
    case $mode in
        files) compopt -o default ;;
        more) compopt -o nospace ;;
    esac
}

complete -F _kubectl_metrics kubectl-metrics
"""

ZSH = r"""#compdef kubectl-metrics
# Completion of kubectl-metrics for zsh, behind compinit: source <(kubectl-metrics completion zsh)

_kubectl-metrics() {
    local tool=${~${(Q)words[1]}}
    local -a answer space
    answer=("${(@f)$("$tool" __complete zsh "${(@)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    local mode=$answer[-1]
    answer[-1]=()
    [[ $PREFIX == -*=* ]] && compset -P 1 '*='
    case $mode in
        files)
            _files
            return
            ;;
        more) space=(-S '') ;;
    esac
    ((${#answer})) && _describe 'kubectl-metrics' answer "${space[@]}"
}

if [[ $funcstack[1] == _kubectl-metrics ]]; then
    _kubectl-metrics "$@" # autoloaded from $fpath
else
    compdef _kubectl-metrics kubectl-metrics
fi
"""

FISH = r"""# Completion of kubectl-metrics for fish 3 and later: kubectl-metrics completion fish | source

function __kubectl_metrics_ask
    set -l words (commandline -xpc 2>/dev/null; or commandline -opc)
    set -l token (commandline -ct)
    set -l tool (string replace -r -- '^~/' "$HOME/" $words[1])
    set -e words[1]
    type -q "$tool"; or return
    set -g __kubectl_metrics_answer ($tool __complete fish $words "$token" 2>/dev/null)
    set -l mode "$__kubectl_metrics_answer[-1]"
    set -e __kubectl_metrics_answer[-1]
    test "$mode" != files # of which fish knows more
end

complete -c kubectl-metrics -e
complete -c kubectl-metrics -n __kubectl_metrics_ask -f -a '$__kubectl_metrics_answer'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
