//! The program, built with named points where the crash tests kill it.

fn main() -> std::process::ExitCode {
    agent_runner_cli::main()
}
