//! Which runs wait for which: cycles, readiness and the words for it. Pure functions over manifests; must not read or
//! change anything itself.

use std::collections::BTreeSet;

use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::{ControlFact, Fact, Manifest, Refusal, RunId, Timestamp, apply_all};

/// How a dependency stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Standing<'a> {
    /// One run; nothing if there is none of that id.
    Run(Option<&'a Manifest>),
    /// The runs of a group: those that count, those of them that ended well, and those that were put away.
    Group { total: usize, successful: usize, archived: usize },
}

impl Standing<'_> {
    /// There is nothing it could mean.
    pub(crate) fn is_missing(&self) -> bool {
        match self {
            Self::Run(run) => run.is_none(),
            Self::Group { total, .. } => *total == 0,
        }
    }

    /// Everything it means has ended well.
    pub(crate) fn is_satisfied(&self) -> bool {
        match self {
            Self::Run(run) => run.is_some_and(|run| run.status(false) == RunStatus::Success),
            Self::Group { total, successful, .. } => *total > 0 && total == successful,
        }
    }
}

/// How a dependency stands among these runs.
pub(crate) fn standing<'a>(manifests: &'a [Manifest], dependency: &Dependency) -> Standing<'a> {
    match dependency {
        Dependency::Run { run_id } => {
            Standing::Run(manifests.iter().find(|other| other.spec.run_id == *run_id))
        }
        Dependency::Group { group_id } => {
            let members = manifests.iter().filter(|other| other.state.run_group_id == *group_id);
            let (away, counted): (Vec<&Manifest>, Vec<&Manifest>) =
                members.partition(|other| other.state.archived_at.is_some());
            let successful = counted.iter().filter(|other| other.status(false) == RunStatus::Success).count();
            Standing::Group { total: counted.len(), successful, archived: away.len() }
        }
    }
}

/// What a run still has to wait for among these runs, in words; nothing if it may work.
pub(crate) fn unsatisfied(manifests: &[Manifest], manifest: &Manifest) -> Option<String> {
    let words: Vec<String> = manifest
        .state
        .dependencies
        .iter()
        .filter_map(|dependency| {
            let standing = standing(manifests, dependency);
            (!standing.is_satisfied()).then(|| open_words(dependency, &standing))
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn open_words(dependency: &Dependency, standing: &Standing<'_>) -> String {
    let name = name(dependency);
    match standing {
        Standing::Run(None) => format!("{name} (there is none)"),
        Standing::Run(Some(run)) => {
            let status = run.status(false);
            match status {
                RunStatus::Blocked | RunStatus::Exhausted | RunStatus::Aborted | RunStatus::Error => {
                    format!("{name} ({}; it has to be resumed)", status.as_str())
                }
                RunStatus::Initialized
                | RunStatus::Ready
                | RunStatus::Running
                | RunStatus::Interrupted
                | RunStatus::Success => format!("{name} ({})", status.as_str()),
            }
        }
        Standing::Group { total: 0, .. } => format!("{name} (it has no runs)"),
        Standing::Group { total, successful, .. } => {
            format!("{name} ({successful} of {total} runs are success)")
        }
    }
}

fn name(dependency: &Dependency) -> String {
    match dependency {
        Dependency::Run { run_id } => format!("run {run_id}"),
        Dependency::Group { group_id } => format!("group {group_id}"),
    }
}

/// Whether a run has to wait for another one, by itself or by its group.
pub(crate) fn depends_on(manifest: &Manifest, other: &Manifest) -> bool {
    manifest.state.dependencies.iter().any(|dependency| match dependency {
        Dependency::Run { run_id } => *run_id == other.spec.run_id,
        Dependency::Group { group_id } => *group_id == other.state.run_group_id,
    })
}

/// Whether facts about a run go together with what all runs are: what it is to depend on exists, and nothing waits for
/// itself. For `commit_among`, whose runs are all there are. What does not depend on other runs is not looked at.
pub(crate) fn check(
    manifests: &[Manifest],
    run_id: &RunId,
    facts: &[Fact],
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(before) = manifests.iter().find(|manifest| manifest.spec.run_id == *run_id) else {
        // Whoever commits to it will hear that there is no such run.
        return Ok(());
    };
    let after = apply_all(before, facts, now)?.manifest;
    let mut what = "adding the dependency";
    for fact in facts {
        match fact {
            Fact::Control(ControlFact::DependencyAdded { dependency: Dependency::Run { run_id } })
                if !manifests.iter().any(|other| other.spec.run_id == *run_id) =>
            {
                return Err(Refusal::NotAllowed { what, why: format!("there is no run {run_id}") });
            }
            Fact::Control(ControlFact::Grouped { .. }) => what = "changing the group",
            Fact::Control(_) | Fact::Driver { .. } | Fact::Task { .. } | Fact::Once { .. } => {}
        }
    }
    match cycle(manifests, &after) {
        None => Ok(()),
        Some(path) => {
            let why = format!("the run would wait for itself: {}", path.join(" -> "));
            Err(Refusal::NotAllowed { what, why })
        }
    }
}

/// The way from a run back to itself, if there is one. `changed` stands for the run of its id. A change of one run can
/// only close a circle that goes through it.
fn cycle(manifests: &[Manifest], changed: &Manifest) -> Option<Vec<String>> {
    let start = &changed.spec.run_id;
    let all = || {
        let others = manifests.iter().filter(|other| other.spec.run_id != *start);
        others.chain(std::iter::once(changed))
    };
    let mut seen: BTreeSet<Dependency> = BTreeSet::new();
    let mut open: Vec<(Dependency, Vec<String>)> = changed
        .state
        .dependencies
        .iter()
        .map(|dependency| (dependency.clone(), vec![format!("run {start}"), name(dependency)]))
        .collect();
    while let Some((node, path)) = open.pop() {
        if !seen.insert(node.clone()) {
            continue;
        }
        let next: Vec<Dependency> = match &node {
            Dependency::Run { run_id } if run_id == start => return Some(path),
            Dependency::Run { run_id } => all()
                .filter(|other| other.spec.run_id == *run_id)
                .flat_map(|other| other.state.dependencies.iter().cloned())
                .collect(),
            Dependency::Group { group_id } => all()
                .filter(|other| other.state.run_group_id == *group_id)
                .map(|other| Dependency::Run { run_id: other.spec.run_id.clone() })
                .collect(),
        };
        open.extend(next.into_iter().map(|node| {
            let path = path.iter().cloned().chain([name(&node)]).collect();
            (node, path)
        }));
    }
    None
}
