#compdef agent-runner
# Completion of agent-runner for zsh. Write it to a file called _agent-runner in a directory of $fpath, or read it from
# ~/.zshrc after compinit:
#   source <(agent-runner completions zsh)

_agent-runner() {
    local -a lines values displays
    local line
    lines=("${(@f)$(command agent-runner complete --shell zsh -- "${(@)words[1,CURRENT-1]}" "$IPREFIX$QIPREFIX$PREFIX" 2>/dev/null </dev/null)}")
    case ${lines[1]} in
        (files|directories)
            # What belongs to a flag stays as it is.
            [[ $PREFIX == --*=* ]] && compset -P 1 '*='
            if [[ ${lines[1]} == files ]]; then _files; else _files -/; fi
            return
            ;;
        (these) ;;
        (*) return 1 ;;
    esac
    for line in "${(@)lines[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        displays+=("${line#*$'\t'}")
    done
    (( ${#values} )) || return 1
    # An amount follows.
    local -a suffix
    [[ ${values[1]} == *= ]] && suffix=(-S '')
    compadd -V agent-runner "${(@)suffix}" -l -d displays -a values
}

if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _agent-runner "$@"
else
    (( $+functions[compdef] )) && compdef _agent-runner agent-runner
fi
