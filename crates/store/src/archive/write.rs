//! Writing an archive: what is in it is measured and looked through first, then written in one go, so that the same run
//! makes the same bytes. Must not hold a whole file of somebody else's, nor write one that was not looked through.

use std::io::{self, Write};

use agent_runner_model::event::EventRecord;
use agent_runner_model::{Manifest, RunId, Secrets};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::adopted::history_lines;
use crate::error::StoreError;
use crate::file::{AGENT_SEED, ASSIGNMENT_SEED, EVENTS, MANIFEST, hex, render_manifest};
use crate::run_store::{BlobKind, RunStore};

use super::contents::{
    ArchiveHead, ArchiveMember, FOLDERS, FORMAT, HEAD, LeftOut, MAX_HEAD, MAX_MEMBERS, MAX_TOTAL, limit_of,
};
use super::error::ArchiveError;
use super::scan::Measure;
use super::tar;

/// A run that is to become an archive.
pub struct ToArchive<'a> {
    /// As it may be shown.
    pub manifest: &'a Manifest,
    /// The history that belongs to it.
    pub events: Vec<EventRecord>,
    /// Lines of the history that are no events.
    pub unreadable: usize,
    /// Values that must not be in it.
    pub secrets: &'a Secrets,
    /// How it stands.
    pub status: &'a str,
    /// Whether somebody is, or may be, at work on it.
    pub is_snapshot: bool,
    /// Version of this program.
    pub program_version: &'a str,
}

/// An archive that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archived {
    /// What it says of itself.
    pub head: ArchiveHead,
    /// How many bytes it has.
    pub size: u64,
}

/// A file of an archive in the making.
enum Part {
    Text(&'static str, Vec<u8>),
    Blob(String),
}

/// Writes an archive of a run. What was written counts only if this succeeds.
pub async fn write_archive<S: RunStore>(
    store: &S,
    run: ToArchive<'_>,
    out: &mut (dyn Write + Send),
) -> Result<Archived, StoreError> {
    let id = run.manifest.spec.run_id.clone();
    let as_of = run.manifest.state.updated_at;
    let (parts, head) = collect(store, &id, run).await?;
    let encoded = serde_json::to_vec_pretty(&head);
    let mut text = encoded.map_err(|source| StoreError::Encode { id: id.clone(), source })?;
    text.push(b'\n');
    if text.len() as u64 > MAX_HEAD {
        return Err(too_large("it has too many files"));
    }
    let mtime = u64::try_from(as_of.as_millis() / 1000).unwrap_or(0);
    let counted = Counted { out, size: 0 };
    let mut gz = GzEncoder::new(counted, Compression::default());
    write_text(&mut gz, &id, HEAD, &text, mtime)?;
    for (part, member) in parts.iter().zip(&head.members) {
        match part {
            Part::Text(name, bytes) => write_text(&mut gz, &id, name, bytes, mtime)?,
            Part::Blob(name) => write_blob(store, &mut gz, &id, name, member, mtime).await?,
        }
    }
    let finished = tar::write_end(&mut gz).and_then(|()| gz.finish());
    let Counted { out, size } = finished.map_err(|source| StoreError::Output { source })?;
    out.flush().map_err(|source| StoreError::Output { source })?;
    Ok(Archived { head, size })
}

fn too_large(what: impl Into<String>) -> StoreError {
    ArchiveError::TooLarge { what: what.into() }.into()
}

/// Finds out what will be in it.
async fn collect<S: RunStore>(
    store: &S,
    id: &RunId,
    run: ToArchive<'_>,
) -> Result<(Vec<Part>, ArchiveHead), StoreError> {
    let encode = |source| StoreError::Encode { id: id.clone(), source };
    let events: Vec<EventRecord> =
        run.events.into_iter().filter_map(|event| run.secrets.hide_record(event)).collect();
    let history = history_lines(&events).map_err(encode)?;
    let mut manifest = run.manifest.clone();
    manifest.events_len = history.len() as u64;
    let renamed = rename_files(&mut manifest, run.secrets);
    let mut left_out = Vec::new();
    if run.unreadable > 0 {
        let why = format!("{} of its lines are no events", run.unreadable);
        left_out.push(LeftOut { name: EVENTS.to_owned(), why });
    }
    let mut parts = vec![Part::Text(MANIFEST, render_manifest(&manifest)?), Part::Text(EVENTS, history)];
    for name in [AGENT_SEED, ASSIGNMENT_SEED] {
        if let Some(text) = store.get_blob(id, name).await? {
            parts.push(Part::Text(name, run.secrets.hide_bytes(&text, false).into_owned()));
        }
    }
    let mut members = Vec::new();
    for part in &parts {
        let Part::Text(name, bytes) = part else { continue };
        let sha256 = hex(Sha256::new_with_prefix(bytes));
        members.push(ArchiveMember { name: (*name).to_owned(), size: bytes.len() as u64, sha256 });
    }
    for name in blobs(store, id, &manifest, (run.secrets, &renamed), &mut left_out).await? {
        let mut measure = Measure::new(&name, run.secrets);
        // One that is gone by now was put away, or is kept under another name.
        if store.copy_blob(id, &name, &mut measure).await?.is_none() {
            return Err(ArchiveError::Changed { name }.into());
        }
        let measured = measure.finish();
        let limit = limit_of(&name).unwrap_or(0);
        let is_handed = manifest.state.attachments.iter().any(|known| known.relative_path == name);
        let objection = match measured.objection {
            Some(why) => Some(why.to_owned()),
            // Nobody can make a log smaller; what was handed over can be removed.
            None if measured.size > limit && !is_handed => Some(format!("it has more than {limit} bytes")),
            None => None,
        };
        match objection {
            Some(why) => left_out.push(LeftOut { name, why }),
            None => {
                members.push(ArchiveMember {
                    name: name.clone(),
                    size: measured.size,
                    sha256: measured.sha256,
                });
                parts.push(Part::Blob(name));
            }
        }
    }
    check_size(&members)?;
    let vars = manifest.spec.runtime_vars.iter().filter(|(_, var)| var.is_redacted());
    let head = ArchiveHead {
        format: FORMAT,
        program_version: run.program_version.to_owned(),
        schema_version: manifest.schema_version,
        run_id: id.clone(),
        status: run.status.to_owned(),
        is_snapshot: run.is_snapshot,
        as_of: manifest.state.updated_at,
        redacted_vars: vars.map(|(name, _)| name.clone()).collect(),
        left_out,
        members,
    };
    Ok((parts, head))
}

/// Gives files whose places hold a value other places on record: what they are called is shown to nobody either. Says which
/// is which.
fn rename_files(manifest: &mut Manifest, secrets: &Secrets) -> Vec<(String, String)> {
    let mut renamed = Vec::new();
    for (index, attachment) in manifest.state.attachments.iter_mut().enumerate() {
        if secrets.are_in(&attachment.relative_path) {
            let shown = format!("attachments/left-out-{index}/file");
            renamed.push((std::mem::replace(&mut attachment.relative_path, shown.clone()), shown));
        }
    }
    renamed
}

/// The names of blobs that go into it, in order.
async fn blobs<S: RunStore>(
    store: &S,
    id: &RunId,
    manifest: &Manifest,
    (secrets, renamed): (&Secrets, &[(String, String)]),
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<String>, StoreError> {
    let mut names = Vec::new();
    for folder in FOLDERS {
        for (name, kind) in store.list_blobs(id, folder).await? {
            let fits = limit_of(&name).is_some() && tar::header(&format!("{id}/{name}"), 0, 0).is_some();
            let why = match kind {
                // Somebody writes it at this moment, or died at it.
                BlobKind::File if name.ends_with(".tmp") => continue,
                BlobKind::File if secrets.are_in(&name) => "its name holds a value that is shown to nobody",
                BlobKind::File if !fits => "it has a name that archives do not take",
                BlobKind::File => {
                    names.push(name);
                    continue;
                }
                BlobKind::Foreign => "it is no file of the run's own",
            };
            let known = renamed.iter().find(|(is, _)| *is == name).map(|(_, shown)| shown.clone());
            let name = known.unwrap_or_else(|| secrets.hide(&name).into_owned());
            left_out.push(LeftOut { name, why: why.to_owned() });
        }
    }
    for attachment in &manifest.state.attachments {
        let name = &attachment.relative_path;
        if !names.contains(name) && !left_out.iter().any(|left| left.name == *name) {
            left_out.push(LeftOut { name: name.clone(), why: "it has no file any more".to_owned() });
        }
    }
    names.sort();
    Ok(names)
}

/// What could not be imported again is not exported.
fn check_size(members: &[ArchiveMember]) -> Result<(), StoreError> {
    if members.len() > MAX_MEMBERS {
        return Err(too_large(format!("it has more than {MAX_MEMBERS} files")));
    }
    for member in members {
        let limit = limit_of(&member.name).unwrap_or(0);
        if member.size > limit {
            return Err(too_large(format!("{:?} has more than {limit} bytes", member.name)));
        }
    }
    if members.iter().map(|member| member.size).fold(0, u64::saturating_add) > MAX_TOTAL {
        return Err(too_large(format!("its files have more than {MAX_TOTAL} bytes together")));
    }
    Ok(())
}

fn write_header(
    out: &mut dyn Write,
    id: &RunId,
    name: &str,
    size: u64,
    mtime: u64,
) -> Result<(), StoreError> {
    let header = tar::header(&format!("{id}/{name}"), size, mtime);
    let header = header.ok_or_else(|| too_large(format!("{name:?} is too long a name")))?;
    out.write_all(&header).map_err(|source| StoreError::Output { source })
}

fn write_padding(out: &mut dyn Write, size: u64) -> Result<(), StoreError> {
    let zeros = [0; tar::BLOCK];
    let padding = zeros.get(..tar::padding(size)).unwrap_or_default();
    out.write_all(padding).map_err(|source| StoreError::Output { source })
}

fn write_text(
    out: &mut dyn Write,
    id: &RunId,
    name: &str,
    bytes: &[u8],
    mtime: u64,
) -> Result<(), StoreError> {
    let size = bytes.len() as u64;
    write_header(out, id, name, size, mtime)?;
    out.write_all(bytes).map_err(|source| StoreError::Output { source })?;
    write_padding(out, size)
}

async fn write_blob<S: RunStore>(
    store: &S,
    out: &mut (dyn Write + Send),
    id: &RunId,
    name: &str,
    member: &ArchiveMember,
    mtime: u64,
) -> Result<(), StoreError> {
    write_header(out, id, name, member.size, mtime)?;
    let mut part = Beginning { out: &mut *out, left: member.size, hash: Sha256::new() };
    let copied = store.copy_blob(id, name, &mut part).await?;
    let (left, sha256) = (part.left, hex(part.hash));
    if copied.is_none() || left > 0 || sha256 != member.sha256 {
        return Err(ArchiveError::Changed { name: name.to_owned() }.into());
    }
    write_padding(out, member.size)
}

/// Lets the beginning of something through: logs grow while they are copied.
struct Beginning<'a> {
    out: &'a mut (dyn Write + Send),
    left: u64,
    hash: Sha256,
}

impl Write for Beginning<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
        let beginning = bytes.get(..wanted).unwrap_or_default();
        self.out.write_all(beginning)?;
        self.hash.update(beginning);
        self.left -= wanted as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Counts what is written.
struct Counted<'a> {
    out: &'a mut (dyn Write + Send),
    size: u64,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
