//! Lists the launchers that can be named. Must not know what is in their files.

use std::collections::BTreeMap;
use std::path::Path;

use agent_runner_model::spec::DIRECT_LAUNCHER;

use crate::diagnostic::DefinitionError;
use crate::launcher::{ENDINGS, FOLDER, Launcher};
use crate::library::Library;
use crate::names::check_name;
use crate::source::Source;
use crate::tree::Tree;

/// A launcher that can be named.
#[derive(Debug)]
pub struct ListedLauncher {
    /// The name it is found under.
    pub name: String,
    /// Files of the same name that a lookup does not reach.
    pub shadows: Vec<Source>,
    /// What it is, or why it cannot be used.
    pub found: Result<Launcher, DefinitionError>,
}

/// All launchers.
#[derive(Debug)]
pub struct LauncherListing {
    /// The one that is built in first, then by name.
    pub launchers: Vec<ListedLauncher>,
    /// Directories that could not be looked into.
    pub problems: Vec<DefinitionError>,
}

type Files = BTreeMap<String, Vec<Source>>;

/// The names that files have, and their files, the one that counts first.
fn files(config_dir: &Path) -> (Files, Vec<DefinitionError>) {
    let folder = config_dir.join(FOLDER);
    let tree = Tree::walk_for(&ENDINGS, &folder);
    let mut found = Files::new();
    for ending in ENDINGS {
        for place in &tree.places {
            if let Some(name) = place.strip_suffix(ending).filter(|name| check_name(name).is_ok()) {
                found.entry(name.to_owned()).or_default().push(Source::Config(folder.join(place)));
            }
        }
    }
    (found, tree.problems)
}

impl Library {
    /// Every launcher that can be named. Broken ones are there with what is wrong, and so is a file that has the name
    /// of the built-in one.
    pub fn launchers(&self) -> LauncherListing {
        let (files, problems) = files(&self.config_dir);
        let direct = ListedLauncher {
            name: DIRECT_LAUNCHER.to_owned(),
            shadows: Vec::new(),
            found: self.launcher(DIRECT_LAUNCHER),
        };
        let others = files.into_iter().filter_map(|(name, sources)| {
            let (Source::Config(file) | Source::Path(file)) = sources.first()? else { return None };
            let found = self.launcher(&file.to_string_lossy());
            Some(ListedLauncher { name, shadows: sources.into_iter().skip(1).collect(), found })
        });
        LauncherListing { launchers: std::iter::once(direct).chain(others).collect(), problems }
    }

    /// The names of all launchers, `direct` first.
    pub fn launcher_names(&self) -> Vec<String> {
        let own = files(&self.config_dir).0.into_keys().filter(|name| name != DIRECT_LAUNCHER);
        std::iter::once(DIRECT_LAUNCHER.to_owned()).chain(own).collect()
    }

    /// The files of the same name as a launcher's that a lookup does not reach.
    pub fn launcher_shadows(&self, launcher: &Launcher) -> Vec<Source> {
        let files = files(&self.config_dir).0.remove(&launcher.spec.name).unwrap_or_default();
        match files.first() {
            Some(first) if *first == launcher.source => files.into_iter().skip(1).collect(),
            Some(_) | None => Vec::new(),
        }
    }
}
