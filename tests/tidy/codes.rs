//! The tables of exit codes in the documentation, against the program.

use std::collections::BTreeMap;

use agent_runner_api::ErrorCode;
use serde_json::Value;

use crate::examples::Sandbox;
use crate::repository::read;

/// The rows of the table with this heading: the first cell's code -> the second cell.
fn table(document: &str, heading: &str) -> BTreeMap<String, String> {
    let text = read(document);
    let (_, rest) = text.split_once(heading).unwrap_or_else(|| panic!("{document} has no table {heading}"));
    let rows = rest.lines().skip(2).take_while(|line| line.starts_with('|'));
    let cells =
        rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect());
    cells.map(|cells: Vec<String>| (cells[0].clone(), cells[1].clone())).collect()
}

#[test]
fn the_table_of_errors_is_the_programs() {
    let documented = table("docs/cli.md", "| error | exit code | meaning |");
    let real = ErrorCode::all().map(|code| {
        let name = serde_json::to_value(code).unwrap().as_str().unwrap().to_owned();
        (name, code.exit_code().to_string())
    });
    assert_eq!(documented, real.collect());
}

/// The status and exit code that a script's last command ends with.
fn ending(sandbox: &Sandbox, script: &str) -> (String, String) {
    let output = sandbox.shell(script);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let run: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)));
    let status = run["effectiveStatus"].as_str().unwrap().to_owned();
    let code = output.status.code().unwrap().to_string();
    assert_eq!(run["exitCode"].to_string(), code, "the manifest and the command differ for {status}");
    (status, code)
}

#[test]
fn the_table_of_outcomes_is_the_programs() {
    let sandbox = Sandbox::new();
    let task = |block: &str| format!("- [ ] One task\n\n  ```sh\n  {block}\n  ```\n");
    std::fs::write(sandbox.here().join("good.md"), task("true")).unwrap();
    std::fs::write(sandbox.here().join("bad.md"), task("false")).unwrap();
    std::fs::write(sandbox.here().join("empty.md"), "- [ ] Nothing to run\n").unwrap();
    std::fs::write(
        sandbox.here().join("stuck.md"),
        task("agent-runner run abort \"$AGENT_RUNNER_RUN_ID\" &\n  sleep 60"),
    )
    .unwrap();
    let agent = "---\nschemaVersion: 1\nname: lost\nbackend: command\nbackendConfig:\n  command:\n    argv: [./no-such-program]\n---\n";
    std::fs::write(sandbox.here().join("lost.md"), agent).unwrap();
    let run = "agent-runner run --output-format json --max-retries 0";
    let real: BTreeMap<String, String> = [
        format!("{run} --backend shell --checklist good.md"),
        format!("{run} --backend shell --checklist bad.md"),
        format!("{run} --backend shell --checklist empty.md"),
        format!("{run} --agent ./lost.md --checklist empty.md"),
        format!("{run} --backend shell --checklist stuck.md"),
    ]
    .iter()
    .map(|script| ending(&sandbox, script))
    .collect();
    assert_eq!(real.len(), 5, "each of them ends otherwise: {real:?}");
    for (document, heading) in [
        ("docs/cli.md", "| status | exit code | when |"),
        ("docs/runs.md", "| status | exit code | meaning |"),
    ] {
        let mut documented = table(document, heading);
        documented.retain(|_, code| code != "-");
        let ended: BTreeMap<String, String> =
            documented.into_iter().filter(|(status, _)| real.contains_key(status)).collect();
        assert_eq!(ended, real, "{document}");
    }
}

#[test]
fn the_readme_lists_every_exit_code() {
    let readme = table("README.md", "| code | meaning |");
    let mut codes: Vec<String> =
        table("docs/cli.md", "| status | exit code | when |").into_values().collect();
    codes.extend(table("docs/cli.md", "| error | exit code | meaning |").into_values());
    codes.retain(|code| code != "-");
    for code in codes {
        assert!(readme.contains_key(&code), "README.md does not explain exit code {code}");
    }
}
