# Completion of agent-runner for fish. Write it to ~/.config/fish/completions/agent-runner.fish:
#   agent-runner completions fish > ~/.config/fish/completions/agent-runner.fish

function __agent_runner_complete
    command --query agent-runner
    or return
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    # Of a redirection the words have only what it leads to; the line tells.
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l lines (command agent-runner complete --shell fish --tail="$line" -- $before "$current" 2>/dev/null </dev/null)
    switch "$lines[1]"
        case files directories
            # What belongs to a flag stays as it is. The path comes as it is meant, without quotes.
            set -l attached $lines[2]
            set -l path $lines[3]
            if test "$lines[1]" = files
                __fish_complete_path "$path"
            else
                test -n "$path"
                and set path (string escape --no-quoted -- "$path")
                __fish_complete_directories "$path" ''
            end | while read --local --line found
                printf '%s%s\n' "$attached" "$found"
            end
        case these
            test (count $lines) -gt 1
            and printf '%s\n' $lines[2..-1]
    end
end

complete --command agent-runner --no-files --keep-order --arguments '(__agent_runner_complete)'
