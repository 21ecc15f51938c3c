# Completion of agent-runner for bash 4.4 or newer. Read it from ~/.bashrc:
#   source <(agent-runner completions bash)

_agent_runner() {
    # bash breaks words at `=` and `:` too: pieces without a blank between them are one word.
    local rest=${COMP_LINE:0:COMP_POINT} trimmed word
    local -a words=()
    local -i index
    for ((index = 0; index <= COMP_CWORD; index++)); do
        trimmed=${rest#"${rest%%[![:space:]]*}"}
        word=${COMP_WORDS[index]}
        if ((index == COMP_CWORD)); then
            word=$trimmed
        elif [[ $trimmed != "$word"* ]]; then
            return
        fi
        if ((index > 0)) && [[ $trimmed == "$rest" ]]; then
            words[-1]+=$word
        else
            words+=("$word")
        fi
        rest=${trimmed:${#word}}
    done

    # Of a `=` or `:` that ends the line nothing is replaced. bash says so, but who completes the command of another one
    # (`sudo`, `nohup`) says that it is the word.
    local tail=$2
    if [[ -n $tail && $tail != *[!=:]* && $COMP_WORDBREAKS == *"${tail: -1}"* ]]; then
        tail=
    fi

    local -a lines=()
    mapfile -t lines < <(command agent-runner complete --shell bash --tail="$tail" -- "${words[@]}" 2>/dev/null </dev/null)
    COMPREPLY=()
    case ${lines[0]-} in
        files) compopt -o default ;;
        directories) compopt -o dirnames ;;
        these)
            COMPREPLY=("${lines[@]:1}")
            # An amount follows.
            [[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
            ;;
    esac
}

complete -o nosort -F _agent_runner agent-runner
