# Completion of agent-runner for fish. Write it to ~/.config/fish/completions/agent-runner.fish:
#   agent-runner completions fish > ~/.config/fish/completions/agent-runner.fish

function __agent_runner_complete
    command --query agent-runner
    or return
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l current (commandline --current-token --cut-at-cursor)
    set -l lines (command agent-runner complete --shell fish -- $before "$current" 2>/dev/null </dev/null)
    switch "$lines[1]"
        case files directories
            # What belongs to a flag stays as it is.
            set -l attached (string match --regex -- '^--[^=]*=' "$current")
            set -l path (string replace --regex -- '^--[^=]*=' '' "$current")
            if test "$lines[1]" = files
                __fish_complete_path "$path" | string replace --regex -- '^' "$attached"
            else
                __fish_complete_directories "$path" '' | string replace --regex -- '^' "$attached"
            end
        case these
            test (count $lines) -gt 1
            and printf '%s\n' $lines[2..-1]
    end
end

complete --command agent-runner --no-files --keep-order --arguments '(__agent_runner_complete)'
