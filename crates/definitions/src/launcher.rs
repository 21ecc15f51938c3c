//! Launchers: what is put in front of a backend's program, such as a remote shell or a sandbox. Must not start anything.

use std::path::Path;

use agent_runner_model::spec::{DIRECT_LAUNCHER, LauncherSpec};

use crate::agent::Agent;
use crate::diagnostic::{DefinitionError, Diagnostic};
use crate::expressions::Expressions;
use crate::fields::{Fields, Known};
use crate::forms::FormatVersion;
use crate::library::{Library, in_order, tidy};
use crate::loading::{Loaded, no_such_file, read_file};
use crate::names::{Reference, parse_reference};
use crate::page::{Parts, Place};
use crate::similar::similar;
use crate::source::Source;
use crate::yaml;

/// A validated launcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launcher {
    /// Where it was found.
    pub source: Source,
    /// The whole file as it was authored.
    pub text: String,
    /// Its name, the program and its arguments.
    pub spec: LauncherSpec,
}

/// The file of a launcher, and what it is called there.
struct File {
    name: String,
    loaded: Loaded,
}

/// Where launchers lie below the configuration directory.
pub(crate) const FOLDER: &str = "launchers";
/// How the file of a launcher may end; the first one counts where there are both.
pub(crate) const ENDINGS: [&str; 2] = [".yaml", ".yml"];

pub(crate) const KNOWN: Known = Known {
    what: "a launcher",
    fields: &["schemaVersion", "name", "command", "args"],
    later: &[],
    elsewhere: &[],
    instead: &[("argv", "write the program as `command`, and its arguments as `args`")],
};

/// A launcher's front matter has no end: the whole file is fields.
fn parse(loaded: Loaded, name: &str) -> Result<Launcher, Vec<Diagnostic>> {
    let parts = Parts { front: loaded.page.text(), front_offset: 0, body: "" };
    let mut entries = yaml::read(&loaded.page, &parts)?;
    let mut expressions = Expressions::new(&loaded.page, &loaded.surroundings);
    expressions.resolve_fields(&mut entries, "");
    expressions.finish()?;
    let mut problems = Vec::new();
    let mut fields = Fields::new(&loaded.page, String::new(), Place::START, &entries, KNOWN, &mut problems);
    let version = fields.schema_version();
    let given = fields.text("name");
    if let Some(given) = given.as_deref().filter(|given| *given != name) {
        let at = fields.place("name");
        fields.complain(
            at,
            format!("name is `{given}`, but a launcher in this file is called `{name}`"),
            format!("write `name: {name}`, or leave the field out"),
        );
    }
    let command = fields.required_text("command", "ssh");
    let args = fields.words("args");
    if name == DIRECT_LAUNCHER {
        fields.complain(
            Place::START,
            format!("no file can be the launcher `{DIRECT_LAUNCHER}`: it puts nothing in front"),
            "give the file another name",
        );
    }
    match (version, command) {
        (Some(FormatVersion), Some(command)) if problems.is_empty() => {
            let argv = std::iter::once(command).chain(args).collect();
            let spec = LauncherSpec { name: name.to_owned(), argv };
            Ok(Launcher { source: loaded.source, text: loaded.text, spec })
        }
        _ => Err(problems),
    }
}

impl Library {
    /// The launcher that the reference names, `direct` among them.
    pub fn launcher(&self, reference: &str) -> Result<Launcher, DefinitionError> {
        self.launcher_from(reference, Some(&self.caller_dir))
    }

    /// The launcher with that name. Whoever starts a run names one and cannot bring one.
    pub fn launcher_named(&self, name: &str) -> Result<Launcher, DefinitionError> {
        match parse_reference(name) {
            Ok(Reference::Path(_)) => Err(DefinitionError::Launcher {
                reference: name.to_owned(),
                reason: "a run is started with a launcher by its name".to_owned(),
                known: self.launcher_names(),
            }),
            Ok(Reference::Name(_)) | Err(_) => self.launcher(name),
        }
    }

    /// The launcher that an agent asks for.
    pub fn launcher_of(&self, agent: &Agent, reference: &str) -> Result<Launcher, DefinitionError> {
        let base = match agent.heritage.origin("launcher", &agent.source) {
            Source::Path(path) | Source::Config(path) => path.parent(),
            Source::Bundled(_) => None,
        };
        self.launcher_from(reference, base)
    }

    /// The text of a launcher's file as it was authored, whatever is wrong with it.
    pub fn launcher_text(&self, reference: &str) -> Result<(Source, String), DefinitionError> {
        if reference == DIRECT_LAUNCHER {
            return Err(DefinitionError::Launcher {
                reference: reference.to_owned(),
                reason: "it is built in and has no file".to_owned(),
                known: self.launcher_names(),
            });
        }
        let found = self.launcher_file(reference, Some(&self.caller_dir))?.loaded;
        Ok((found.source, found.text))
    }

    /// The launcher under that reference, with what a relative path is relative to.
    fn launcher_from(&self, reference: &str, base: Option<&Path>) -> Result<Launcher, DefinitionError> {
        if reference == DIRECT_LAUNCHER {
            let spec = LauncherSpec::default();
            return Ok(Launcher { source: Source::Bundled(DIRECT_LAUNCHER), text: String::new(), spec });
        }
        let found = self.launcher_file(reference, base)?;
        parse(found.loaded, &found.name).map_err(in_order)
    }

    /// The file of a launcher that is not built in.
    fn launcher_file(&self, reference: &str, base: Option<&Path>) -> Result<File, DefinitionError> {
        let bad = |reason: &str| DefinitionError::Launcher {
            reference: reference.to_owned(),
            reason: reason.to_owned(),
            known: Vec::new(),
        };
        match (parse_reference(reference).map_err(bad)?, base) {
            (Reference::Path(_), None) => Err(bad("a bundled definition cannot name a file")),
            (Reference::Path(path), Some(base)) => {
                let file = tidy(&base.join(path));
                match self.launcher_in(&file)? {
                    Some(found) => Ok(found),
                    None => Err(no_such_file(file)),
                }
            }
            (Reference::Name(name), _) => {
                for ending in ENDINGS {
                    let file = self.config_dir.join(FOLDER).join(format!("{name}{ending}"));
                    if let Some(found) = self.launcher_in(&file)? {
                        return Ok(found);
                    }
                }
                let known = self.launcher_names();
                let near =
                    similar(name, known.iter().map(String::as_str)).first().map(|near| (*near).to_owned());
                Err(DefinitionError::Launcher {
                    reference: reference.to_owned(),
                    reason: format!("there is no {}/{FOLDER}/{name}.yaml", self.config_dir.display()),
                    known: near.map_or(known, |near| vec![near]),
                })
            }
        }
    }

    fn launcher_in(&self, file: &Path) -> Result<Option<File>, DefinitionError> {
        let Some(text) = read_file(file)? else { return Ok(None) };
        let inside = file.strip_prefix(tidy(&self.config_dir).join(FOLDER)).ok();
        let place = inside.map(|place| place.with_extension("").to_string_lossy().into_owned());
        let source = match place {
            Some(_) => Source::Config(file.to_owned()),
            None => Source::Path(file.to_owned()),
        };
        let name = place.unwrap_or_else(|| source.stem());
        Ok(Some(File { name, loaded: self.loaded(source, text, None) }))
    }
}
