//! Whether a text is a manifest of the reference implementation that can be taken over, and what to do where it is not. Must
//! not take anything over.

use serde_json::Value;

use super::schema::ReferenceRun;

/// The layout of manifests that is read.
pub(crate) const SCHEMA: u64 = 25;
/// The layouts its migrations make, each from the one before it; the one to 24 takes all from 19 on.
const MIGRATIONS: [u64; 17] = [5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 24, 25];
/// The oldest layout that a migration takes.
const OLDEST: u64 = 4;

/// Why a run of the reference implementation cannot be taken over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReferenceError {
    /// The text is cut off, or was never JSON.
    #[error("its run.json is not JSON")]
    Json {
        /// Where and why.
        #[source]
        source: serde_json::Error,
    },
    /// JSON, but of something else.
    #[error("its run.json is no manifest of the TypeScript agent-runner")]
    Other,
    /// Older versions wrote it.
    #[error("its run.json has schema {found}; schema {SCHEMA} can be imported")]
    Older {
        /// Its schema.
        found: u64,
    },
    /// A newer version wrote it.
    #[error("its run.json has schema {found}; this version imports schema {SCHEMA}")]
    Newer {
        /// Its schema.
        found: u64,
    },
    /// Something in it is missing, or is not what it has to be.
    #[error("its run.json is not what schema {SCHEMA} says")]
    Shape {
        /// What, and where.
        #[source]
        source: serde_json::Error,
    },
    /// It lies in the directory of another run.
    #[error("its run.json belongs to run \"{found}\"")]
    Misplaced {
        /// The run it is about.
        found: String,
    },
    /// Parts of it do not go together.
    #[error("its run.json contradicts itself: {why}")]
    Contradiction {
        /// How.
        why: String,
    },
}

impl ReferenceError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> String {
        match self {
            Self::Json { .. } | Self::Shape { .. } | Self::Contradiction { .. } => {
                "nothing was changed; restore the file from a backup, or correct it, and import again"
                    .to_owned()
            }
            Self::Other => "only run directories of the TypeScript agent-runner are imported".to_owned(),
            Self::Older { found } => older(*found),
            Self::Newer { .. } => "update this program, and import again".to_owned(),
            Self::Misplaced { found } => {
                format!("a run directory was copied or renamed; rename it to {found}, and import again")
            }
        }
    }
}

/// The way from an older layout.
fn older(found: u64) -> String {
    if found < OLDEST {
        return format!(
            "no migration of the TypeScript agent-runner begins at schema {found}; it cannot be imported"
        );
    }
    let scripts = MIGRATIONS.iter().filter(|to| **to > found);
    let scripts: Vec<String> =
        scripts.map(|to| format!("node scripts/migrate-manifests-v{to}.mjs --write")).collect();
    format!(
        "in a checkout of the TypeScript agent-runner run `{}`, with --file and the path of this run.json or --root \
         and the state directory; then import again",
        scripts.join("`, then `")
    )
}

/// The manifest in a text, for the directory of that name.
pub(super) fn parse(text: &[u8], directory: &str) -> Result<ReferenceRun, ReferenceError> {
    // Not into a value first: errors say line and column.
    let probe: Value = serde_json::from_slice(text).map_err(|source| ReferenceError::Json { source })?;
    let version = probe.get("schemaVersion").and_then(version);
    let Some(found) = version.filter(|_| probe.get("runId").is_some() && probe.get("spec").is_none()) else {
        return Err(ReferenceError::Other);
    };
    if found < SCHEMA {
        return Err(ReferenceError::Older { found });
    }
    if found > SCHEMA {
        return Err(ReferenceError::Newer { found });
    }
    let run: ReferenceRun =
        serde_json::from_slice(text).map_err(|source| ReferenceError::Shape { source })?;
    if run.run_id.as_str() != directory {
        return Err(ReferenceError::Misplaced { found: run.run_id.to_string() });
    }
    check(&run)?;
    Ok(run)
}

fn version(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| format!("{:.0}", value.as_f64().filter(|it| it.fract() == 0.0)?).parse().ok())
}

/// Whether what is numbered is numbered as everything here relies on.
fn check(run: &ReferenceRun) -> Result<(), ReferenceError> {
    let fail = |why: String| Err(ReferenceError::Contradiction { why });
    for (index, session) in run.sessions.iter().enumerate() {
        if usize::try_from(session.session_index).ok() != Some(index) {
            return fail(format!("session {} is in place {index}", session.session_index));
        }
    }
    let mut last: Option<&super::schema::ReferenceAttempt> = None;
    for attempt in &run.attempt_records {
        if run.sessions.get(usize::try_from(attempt.session_index).unwrap_or(usize::MAX)).is_none() {
            let (number, session) = (attempt.attempt_number, attempt.session_index);
            return fail(format!("attempt {number} is of session {session}, which there is none of"));
        }
        if let Some(last) = last
            && (last.attempt_number.checked_add(1) != Some(attempt.attempt_number)
                || last.session_index > attempt.session_index)
        {
            let (before, after) = (last.attempt_number, attempt.attempt_number);
            return fail(format!("attempt {after} comes after attempt {before}"));
        }
        last = Some(attempt);
    }
    for (key, task) in &run.final_tasks {
        if key != task.id.as_str() {
            return fail(format!("task {key:?} calls itself {:?}", task.id.as_str()));
        }
    }
    let mut ids: Vec<&str> = run.attachments.iter().map(|attachment| attachment.id.as_str()).collect();
    ids.sort_unstable();
    match ids.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => fail(format!("two attachments are called {:?}", pair[0])),
        None => Ok(()),
    }
}
