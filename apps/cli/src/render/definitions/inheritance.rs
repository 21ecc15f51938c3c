//! What a definition has from others that it extends, for people.

use std::collections::BTreeMap;

use agent_runner_api::view::DefinitionDetail;

/// What it extends: as its file says it, or every definition in turn.
pub(super) fn heritage(detail: &DefinitionDetail) -> String {
    let mut text = String::new();
    if let Some(extends) = &detail.extends {
        text.push_str(&format!("extends: {extends} (--resolved shows what it has from there)\n"));
    }
    for base in &detail.bases {
        text.push_str(&format!("extends: {} ({})\n", base.name, base.source));
    }
    text
}

/// What comes from which files: a line for each set of files.
pub(super) fn origins(detail: &DefinitionDetail) -> String {
    let mut by_files: BTreeMap<&[String], Vec<&str>> = BTreeMap::new();
    for (name, files) in &detail.origins {
        by_files.entry(files).or_default().push(name);
    }
    if by_files.is_empty() {
        return String::new();
    }
    let lines =
        by_files.iter().map(|(files, names)| format!("  {}: {}\n", files.join(" + "), names.join(", ")));
    format!("\ninherited:\n{}", lines.collect::<String>())
}
