//! Which runs wait for which: cycles, readiness and the words for it. Pure functions over manifests; must not read or
//! change anything itself.

use std::collections::BTreeSet;
use std::path::Path;

use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::RunStatus;
use agent_runner_model::{ControlFact, Fact, Manifest, Refusal, RunId, Timestamp, apply_all};
use agent_runner_store::{Problem, ProblemKind};

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
/// itself. For `commit_among`, whose runs are all there are, those that could not be read apart. What cannot close a
/// circle is not looked at.
pub(crate) fn check(
    manifests: &[Manifest],
    problems: &[Problem],
    run_id: &RunId,
    facts: &[Fact],
    now: Timestamp,
) -> Result<(), Refusal> {
    let Some(before) = manifests.iter().find(|manifest| manifest.spec.run_id == *run_id) else {
        // Whoever commits to it will hear that there is no such run.
        return Ok(());
    };
    let after = apply_all(before, facts, now)?.manifest;
    let unread = Unread::among(problems);
    let mut closing = None;
    for fact in facts {
        match fact {
            Fact::Control(ControlFact::DependencyAdded { dependency }) => {
                const WHAT: &str = "adding the dependency";
                closing = Some(WHAT);
                if let Dependency::Run { run_id } = dependency
                    && !manifests.iter().any(|other| other.spec.run_id == *run_id)
                {
                    let why = unread.run(run_id).unwrap_or_else(|| format!("there is no run {run_id}"));
                    return Err(Refusal::NotAllowed { what: WHAT, why });
                }
            }
            Fact::Control(ControlFact::Grouped { .. }) => closing = Some("changing the group"),
            Fact::Control(_)
            | Fact::Driver { .. }
            | Fact::Task { .. }
            | Fact::Judged { .. }
            | Fact::Once { .. } => {}
        }
    }
    let Some(what) = closing else { return Ok(()) };
    match cycle(manifests, &unread, &after).map_err(|why| Refusal::NotAllowed { what, why })? {
        None => Ok(()),
        Some(path) => {
            let why = format!("the run would wait for itself: {}", path.join(" -> "));
            Err(Refusal::NotAllowed { what, why })
        }
    }
}

/// Runs of which nobody can tell what they wait for, and which group they are in.
struct Unread<'a>(Vec<&'a Path>);

impl<'a> Unread<'a> {
    fn among(problems: &'a [Problem]) -> Self {
        let is_ours = |problem: &&Problem| match problem.kind {
            ProblemKind::Unreadable | ProblemKind::Newer => true,
            // No run of this program waits for one of those.
            ProblemKind::Reference => false,
        };
        Self(problems.iter().filter(is_ours).map(|problem| problem.path.as_path()).collect())
    }

    /// Why nobody can tell what this run waits for, if it is one of them.
    fn run(&self, run_id: &RunId) -> Option<String> {
        let named = |path: &&&Path| {
            path.parent().and_then(Path::file_name).is_some_and(|name| name == run_id.as_str())
        };
        self.0.iter().find(named).map(|path| unsure(path))
    }

    /// Why nobody can tell who is in a group.
    fn any(&self) -> Option<String> {
        self.0.first().map(|path| unsure(path))
    }
}

fn unsure(path: &Path) -> String {
    format!("{} cannot be read, so nobody can tell who would wait for whom", path.display())
}

/// The way from a run back to itself, if there is one. `changed` stands for the run of its id. A change of one run can
/// only close a circle that goes through it. An error says why that cannot be told.
fn cycle(
    manifests: &[Manifest],
    unread: &Unread<'_>,
    changed: &Manifest,
) -> Result<Option<Vec<String>>, String> {
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
        let unknown = match &node {
            Dependency::Run { run_id } => unread.run(run_id),
            Dependency::Group { .. } => unread.any(),
        };
        if let Some(why) = unknown {
            return Err(why);
        }
        let next: Vec<Dependency> = match &node {
            Dependency::Run { run_id } if run_id == start => return Ok(Some(path)),
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
    Ok(None)
}
