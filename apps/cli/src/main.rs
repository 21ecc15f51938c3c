//! The program. Everything is in the library beside it, so that the end-to-end tests can build it under their own
//! name.

fn main() -> std::process::ExitCode {
    agent_runner_cli::main()
}
