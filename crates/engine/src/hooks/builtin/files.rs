//! `files-exist`: what was to be written is there.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::choice::{is_called_done, objection, some};
use super::settings::settings;
use crate::hooks::answer::Verdict;
use crate::hooks::context::Moment;
use crate::hooks::running::{NoAnswer, directory};

/// Most entries of directories that are looked at for one pattern.
const MAX_ENTRIES: usize = 200_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Settings {
    paths: Vec<String>,
    #[serde(default)]
    non_empty: bool,
}

pub(super) fn exist(moment: &Moment<'_>) -> Result<Verdict, NoAnswer> {
    let settings: Settings = settings(moment)?;
    if !is_called_done(moment) {
        return Ok(Verdict::Continue);
    }
    let here = directory(moment.manifest)?;
    let counts = |path: &Path| {
        fs::metadata(path).is_ok_and(|found| {
            !settings.non_empty || if found.is_dir() { has_entries(path) } else { found.len() > 0 }
        })
    };
    let missing: Vec<String> =
        settings.paths.iter().filter(|path| !is_there(&here, path, &counts)).cloned().collect();
    if missing.is_empty() {
        return Ok(Verdict::Continue);
    }
    let what = if settings.non_empty { "missing or empty" } else { "missing" };
    let words = format!("these files are {what} in {}:\n{}", here.display(), some(&missing));
    Ok(objection(moment.hook.phase, words))
}

fn has_entries(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_some())
}

fn is_there(here: &Path, wanted: &str, counts: &dyn Fn(&Path) -> bool) -> bool {
    if !wanted.contains(['*', '?', '[', '{']) {
        return counts(&here.join(wanted));
    }
    // Everything in front of the first wildcard is a plain directory.
    let fixed: PathBuf = Path::new(wanted).iter().take_while(|part| !has_wildcard(part)).collect();
    let pattern = here.join(wanted).to_string_lossy().into_owned();
    let mut left = MAX_ENTRIES;
    search(&here.join(fixed), &pattern, counts, &mut left)
}

fn has_wildcard(part: &std::ffi::OsStr) -> bool {
    part.to_string_lossy().contains(['*', '?', '[', '{'])
}

/// Follows no links: a circle of them has no end.
fn search(directory: &Path, pattern: &str, counts: &dyn Fn(&Path) -> bool, left: &mut usize) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let mut inside = Vec::new();
    for entry in entries.flatten() {
        if *left == 0 {
            return false;
        }
        *left -= 1;
        let path = entry.path();
        if fast_glob::glob_match(pattern, path.to_string_lossy().as_ref()) && counts(&path) {
            return true;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            inside.push(path);
        }
    }
    inside.iter().any(|directory| search(directory, pattern, counts, left))
}
