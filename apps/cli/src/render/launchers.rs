//! Launchers for people. Must not look anything up.

use agent_runner_api::view::{LauncherDetail, LauncherList, LauncherSettings, LauncherSummary};
use unicode_width::UnicodeWidthStr as _;

use super::clean::{cell, clean, one_line};

/// Said of the launcher that is no program.
const NOTHING: &str = "puts nothing in front";

/// One launcher a line: its name, what it puts in front, where it comes from. Cut to the width of a screen.
pub(crate) fn launcher_list(list: &LauncherList, width: Option<usize>) -> String {
    let names = list.definitions.iter().map(|found| found.name.width()).max().unwrap_or(0);
    let abouts = list.definitions.iter().map(|found| about(found).width()).max().unwrap_or(0);
    let lines = list.definitions.iter().map(|found| {
        let source = if found.source.starts_with("bundled:") { "bundled" } else { found.source.as_str() };
        let hides = if found.shadows.is_empty() {
            String::new()
        } else {
            format!(", hides {}", found.shadows.join(", "))
        };
        let line = format!("{}  {}  {source}{hides}", cell(&found.name, names), cell(&about(found), abouts));
        format!("{}\n", one_line(&line, width.unwrap_or(usize::MAX)).trim_end())
    });
    lines.collect()
}

/// Its command line, as a shell takes it.
fn about(found: &LauncherSummary) -> String {
    let LauncherSettings { command, args } = &found.settings;
    let Some(command) = command else { return NOTHING.to_owned() };
    shell_words::join(std::iter::once(command).chain(args))
}

/// One launcher as it is understood.
pub(crate) fn launcher(detail: &LauncherDetail) -> String {
    let mut text = format!("launcher {}\nsource: {}\n", detail.name, detail.source);
    for hidden in &detail.shadows {
        text.push_str(&format!("hides: {hidden}\n"));
    }
    match &detail.settings.command {
        Some(command) => text.push_str(&format!("command: {command}\n")),
        None => text.push_str(&format!("{NOTHING}\n")),
    }
    if !detail.settings.args.is_empty() {
        text.push_str(&format!("args: {}\n", shell_words::join(&detail.settings.args)));
    }
    clean(&text)
}
