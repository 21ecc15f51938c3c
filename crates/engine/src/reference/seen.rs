//! What everybody sees of a run, or finds in its directory: names of files, its group, where it works. Values that nobody is
//! shown are in none of it here, or people are told. Must not change what its worker is told.

use std::collections::BTreeSet;

use agent_runner_model::attachment::{check_attachment_id, check_attachment_name, file_name};
use agent_runner_model::manifest::Dependency;
use agent_runner_model::{Manifest, Secrets};

use super::mapping::HandedFile;
use super::parse::ReferenceError;
use super::schema::ReferenceRun;
use super::vars;

/// What a file is called whose name cannot be told.
const UNNAMED: &str = "file";

/// The values nobody is shown: those it has, and those that a reset there would give back to it.
pub(super) fn secrets(run: &ReferenceRun, manifest: &Manifest) -> Secrets {
    let mut spec = manifest.spec.clone();
    for (name, var) in vars::replaced(run) {
        // No variable there is called so: the one of today stays beside it.
        spec.runtime_vars.insert(format!("{name} at reset"), var);
    }
    Secrets::of(&spec)
}

/// The variables whose values at a reset nobody is shown.
pub(super) fn hidden_at_reset(run: &ReferenceRun) -> impl Iterator<Item = String> {
    vars::replaced(run).into_keys()
}

/// Takes values out that the run does not have any more: here nobody would know that they are to be hidden.
pub(super) fn hide_replaced(manifest: &mut Manifest, secrets: &Secrets) -> Result<(), ReferenceError> {
    let replaced = secrets.clone().without(&Secrets::of(&manifest.spec));
    let hidden = replaced.hide_manifest(manifest);
    *manifest = hidden.ok_or_else(|| ReferenceError::Contradiction {
        why: "values of an environment that it no longer has cannot be taken out of it".to_owned(),
    })?;
    Ok(())
}

/// Takes the values out of ids and names, and says where they stay.
pub(super) fn hide_names(
    manifest: &mut Manifest,
    handed: &mut [HandedFile],
    secrets: &Secrets,
    remarks: &mut Vec<String>,
) {
    name_files(handed, secrets, remarks);
    let state = &mut manifest.state;
    if state.run_group_id != manifest.spec.run_id.as_str() && secrets.are_in(&state.run_group_id) {
        state.run_group_id = manifest.spec.run_id.to_string();
        remarks.push(
            "the id of its group holds a value that is shown to nobody; here it is in a group of its own"
                .to_owned(),
        );
    }
    for dependency in &mut state.dependencies {
        if let Dependency::Group { group_id } = dependency
            && secrets.are_in(group_id)
        {
            *group_id = secrets.hide(group_id).into_owned();
            remarks.push(format!(
                "the id of a group that it depends on holds a value that is shown to nobody; here it waits for {group_id:?}"
            ));
        }
    }
    remarks.extend(places(manifest, secrets));
}

/// Files have ids that can be told apart and names that can be names, without values.
fn name_files(handed: &mut [HandedFile], secrets: &Secrets, remarks: &mut Vec<String>) {
    let mut taken = BTreeSet::new();
    for (index, file) in handed.iter_mut().enumerate() {
        let known = &mut file.attachment;
        if check_attachment_id(&known.id).is_err() || secrets.are_in(&known.id) || taken.contains(&known.id) {
            known.id = format!("att-imported-{index}");
            while taken.contains(&known.id) {
                known.id.push('-');
            }
            remarks.push(format!("attachment {index}, counted from 0, has the id {} here", known.id));
        }
        taken.insert(known.id.clone());
        if secrets.are_in(&known.name) {
            known.name = secrets.hide(&known.name).into_owned();
            remarks.push(format!(
                "the name of attachment {} holds a value that is shown to nobody; here it is called {:?}",
                known.id, known.name
            ));
        }
        if check_attachment_name(&known.name).is_err() {
            known.name = file_name(&known.name);
        }
        known.relative_path = format!("attachments/{}/{}", known.id, file_name(&known.name));
        // Letters that no file's name has are left out of it, and what is left may say it all the same.
        if secrets.are_in(&known.relative_path) {
            known.relative_path = format!("attachments/{}/{UNNAMED}", known.id);
        }
    }
}

/// Where a run works cannot be changed: it could not go on.
fn places(manifest: &Manifest, secrets: &Secrets) -> Option<String> {
    let spec = &manifest.spec;
    let assignment = spec.assignment.as_ref().map(|assignment| assignment.source_path.as_str());
    let places = [
        ("its working directory", Some(spec.cwd.as_str())),
        ("its repository", Some(spec.repo.as_str())),
        ("the path of its agent", spec.agent.source_path.as_deref()),
        ("the path of its assignment", assignment),
    ];
    let seen = places.into_iter().filter(|(_, place)| place.is_some_and(|place| secrets.are_in(place)));
    let named: Vec<&str> = seen.map(|(what, _)| what).collect();
    (!named.is_empty()).then(|| {
        format!(
            "a value that came from an environment is in {}: places are shown to everybody, and are in archives",
            named.join(" and ")
        )
    })
}
