//! Reading an archive, of which not a byte is trusted: it is what its first file says, file by file and in that order, or it
//! is refused. Must not hold more than manifest, history and what was authored, nor read more than was announced.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, BufReader, Read};

use agent_runner_model::attachment::{check_attachment_id, check_attachment_name};
use agent_runner_model::manifest::SCHEMA_VERSION;
use agent_runner_model::{Manifest, RunId};
use flate2::bufread::GzDecoder;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::adopted::Arrival;
use crate::error::StoreError;
use crate::file::{AGENT_SEED, ASSIGNMENT_SEED, EVENTS, MANIFEST, check_blob_name, hex};
use crate::run_store::Seeds;

use super::contents::{
    ArchiveHead, ArchiveMember, FORMAT, HEAD, MAX_HEAD, MAX_MEMBERS, MAX_TOTAL, limit_of, place_of,
};
use super::error::ArchiveError;
use super::tar::{self, BLOCK, Block, Header};

/// The least that tells one format from another.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HeadProbe {
    format: u64,
    program_version: Option<String>,
}

/// The same of manifests.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestProbe {
    schema_version: u64,
}

/// An archive that is being read. What is held of it was checked; the rest is when it is brought.
pub struct ArchiveReader<'a> {
    gz: GzDecoder<BufReader<Box<dyn Read + Send + 'a>>>,
    head: ArchiveHead,
    digest: String,
    manifest: Manifest,
    history: Vec<u8>,
    seeds: Seeds,
    /// How many of the files were read.
    done: usize,
}

impl<'a> ArchiveReader<'a> {
    /// Reads the part of an archive that says what the run is.
    pub fn open(source: Box<dyn Read + Send + 'a>) -> Result<Self, ArchiveError> {
        let mut source = BufReader::new(source);
        let is_gzip =
            source.fill_buf().map_err(|error| broken(error, "at its beginning"))?.starts_with(&[0x1f, 0x8b]);
        if !is_gzip {
            return Err(ArchiveError::NotOne { why: "it is not compressed with gzip" });
        }
        let mut gz = GzDecoder::new(source);
        let (head, digest) = read_head(&mut gz)?;
        let mut archive = Opening { gz, head, done: 0 };
        let bytes = archive.text(MANIFEST)?;
        let manifest = parse_manifest(&bytes)?;
        drop(bytes);
        if manifest.spec.run_id != archive.head.run_id {
            let why = format!(
                "is about run {}, the archive about run {}",
                manifest.spec.run_id, archive.head.run_id
            );
            return Err(ArchiveError::entry(MANIFEST, why));
        }
        check_attachments(&manifest, &archive.head)?;
        let history = archive.text(EVENTS)?;
        if history.len() as u64 != manifest.events_len {
            let why = format!("has {} bytes, and the manifest counts {}", history.len(), manifest.events_len);
            return Err(ArchiveError::entry(EVENTS, why));
        }
        let seeds = Seeds { agent: archive.seed(AGENT_SEED)?, assignment: archive.seed(ASSIGNMENT_SEED)? };
        let Opening { gz, head, done } = archive;
        Ok(Self { gz, head, digest, manifest, history, seeds, done })
    }

    /// What it says of itself.
    pub fn head(&self) -> &ArchiveHead {
        &self.head
    }

    /// What tells it from every other archive, in hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The run.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Its history, and what was authored. There is nothing left of them afterwards.
    pub fn take_texts(&mut self) -> (Vec<u8>, Seeds) {
        (std::mem::take(&mut self.history), std::mem::take(&mut self.seeds))
    }

    /// Brings the other files, and checks that nothing follows them.
    pub fn bring(&mut self, arrival: &mut dyn Arrival) -> Result<(), StoreError> {
        while let Some(member) = self.head.members.get(self.done) {
            expect(&mut self.gz, &self.head.run_id, member)?;
            let mut file = (&mut self.gz).take(member.size);
            let stored = arrival.put(&member.name, &mut file, member.size);
            let stored = stored.map_err(|error| match error {
                StoreError::Input { source } => broken(source, &within(&member.name)).into(),
                other => other,
            })?;
            if stored.size != member.size {
                return Err(ArchiveError::CutOff { place: within(&member.name) }.into());
            }
            check_sum(member, &stored.sha256)?;
            skip_padding(&mut self.gz, member)?;
            self.done += 1;
        }
        Ok(self.expect_end()?)
    }

    fn expect_end(&mut self) -> Result<(), ArchiveError> {
        let place = "at its end";
        for _ in 0..2 {
            let mut block = [0; BLOCK];
            self.gz.read_exact(&mut block).map_err(|error| broken(error, place))?;
            match tar::parse(&block) {
                Block::End => {}
                Block::File(Header { name, .. }) | Block::Other(name, _) => {
                    return Err(ArchiveError::entry(name, "is not in the archive's own list"));
                }
                Block::Nothing => {
                    return Err(ArchiveError::NotOne { why: "something follows its last file" });
                }
            }
        }
        // The end of what is compressed has a sum of its own.
        let mut rest = [0; 1];
        let after = self.gz.read(&mut rest).map_err(|error| broken(error, place))?;
        let source = self.gz.get_mut().fill_buf().map_err(|error| broken(error, place))?;
        if after > 0 || !source.is_empty() {
            return Err(ArchiveError::NotOne { why: "something follows its end" });
        }
        Ok(())
    }
}

/// An archive of which the first file was read.
struct Opening<R> {
    gz: R,
    head: ArchiveHead,
    done: usize,
}

impl<R: Read> Opening<R> {
    /// The next file, which has to be that one.
    fn text(&mut self, name: &str) -> Result<Vec<u8>, ArchiveError> {
        let Some(member) = self.head.members.get(self.done).filter(|member| member.name == name) else {
            return Err(ArchiveError::entry(HEAD, format!("does not have {name:?} where it has to be")));
        };
        expect(&mut self.gz, &self.head.run_id, member)?;
        let bytes = read_text(&mut self.gz, name, member.size)?;
        check_sum(member, &hex(Sha256::new_with_prefix(&bytes)))?;
        skip_padding(&mut self.gz, member)?;
        self.done += 1;
        Ok(bytes)
    }

    fn seed(&mut self, name: &str) -> Result<Option<String>, ArchiveError> {
        if self.head.members.get(self.done).is_none_or(|member| member.name != name) {
            return Ok(None);
        }
        let text = String::from_utf8(self.text(name)?);
        text.map(Some).map_err(|_| ArchiveError::entry(name, "is not UTF-8"))
    }
}

fn within(name: &str) -> String {
    format!("in {name:?}")
}

fn broken(source: io::Error, place: &str) -> ArchiveError {
    let place = place.to_owned();
    match source.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveError::CutOff { place },
        _ => ArchiveError::Damaged { place, source },
    }
}

/// The first file: nobody knows yet how long it is.
fn read_head(gz: &mut impl Read) -> Result<(ArchiveHead, String), ArchiveError> {
    let mut block = [0; BLOCK];
    gz.read_exact(&mut block).map_err(|error| broken(error, "at its beginning"))?;
    let header = match tar::parse(&block) {
        Block::File(header) => header,
        Block::Other(name, why) => return Err(ArchiveError::entry(name, why)),
        Block::End => return Err(ArchiveError::NotOne { why: "it is empty" }),
        Block::Nothing => return Err(ArchiveError::NotOne { why: "what is compressed is no tar file" }),
    };
    let folder = header.name.strip_suffix(&format!("/{HEAD}"));
    let Some(folder) = folder.and_then(|folder| RunId::parse(folder).ok()) else {
        return Err(ArchiveError::entry(header.name, format!("is where RUN-ID/{HEAD} has to be")));
    };
    if header.size > MAX_HEAD {
        return Err(ArchiveError::entry(HEAD, format!("has more than {MAX_HEAD} bytes")));
    }
    let bytes = read_text(gz, HEAD, header.size)?;
    skip(gz, tar::padding(header.size), HEAD)?;
    let head = parse_head(&bytes)?;
    if head.run_id != folder {
        let why = format!("is about run {}, its folder is called {folder}", head.run_id);
        return Err(ArchiveError::entry(HEAD, why));
    }
    check_members(&head)?;
    Ok((head, hex(Sha256::new_with_prefix(&bytes))))
}

fn parse_head(bytes: &[u8]) -> Result<ArchiveHead, ArchiveError> {
    let fail = |source| ArchiveError::Text { name: HEAD.to_owned(), source };
    let probe: HeadProbe = serde_json::from_slice(bytes).map_err(fail)?;
    if probe.format > FORMAT {
        return Err(ArchiveError::Newer { format: probe.format, program: probe.program_version });
    }
    if probe.format < FORMAT {
        return Err(ArchiveError::entry(
            HEAD,
            format!("has the format {}, which never was one", probe.format),
        ));
    }
    serde_json::from_slice(bytes).map_err(fail)
}

fn parse_manifest(bytes: &[u8]) -> Result<Manifest, ArchiveError> {
    let fail = |source| ArchiveError::Text { name: MANIFEST.to_owned(), source };
    let newer = |found: u64| {
        let why =
            format!("was written by a newer version (schema {found}; this version knows {SCHEMA_VERSION})");
        ArchiveError::entry(MANIFEST, why)
    };
    match serde_json::from_slice::<Manifest>(bytes) {
        Ok(manifest) if manifest.schema_version > SCHEMA_VERSION => {
            Err(newer(manifest.schema_version.into()))
        }
        Ok(manifest) => Ok(manifest),
        Err(source) => match serde_json::from_slice::<ManifestProbe>(bytes) {
            Ok(probe) if probe.schema_version > u64::from(SCHEMA_VERSION) => Err(newer(probe.schema_version)),
            Ok(_) | Err(_) => Err(fail(source)),
        },
    }
}

/// Everything that can be said before a file is read.
fn check_members(head: &ArchiveHead) -> Result<(), ArchiveError> {
    let listed = |why: String| ArchiveError::entry(HEAD, why);
    if head.members.len() > MAX_MEMBERS || head.left_out.len() > MAX_MEMBERS {
        return Err(listed(format!("lists more than {MAX_MEMBERS} files")));
    }
    let mut total = 0_u64;
    for member in &head.members {
        let name = &member.name;
        let limit = limit_of(name).ok_or_else(|| listed(format!("lists {name:?}, which no run has")))?;
        if member.size > limit {
            return Err(listed(format!("lists {name:?} with more than {limit} bytes")));
        }
        total = total.saturating_add(member.size);
    }
    if total > MAX_TOTAL {
        return Err(listed(format!("lists more than {MAX_TOTAL} bytes")));
    }
    let pairs = head.members.iter().zip(head.members.iter().skip(1));
    for (before, after) in pairs {
        if before.name == after.name {
            return Err(listed(format!("lists {:?} twice", after.name)));
        }
        if place_of(&before.name) > place_of(&after.name) {
            return Err(listed(format!("lists {:?} in the wrong place", after.name)));
        }
    }
    Ok(())
}

/// Files that were handed over are where such files are, and are what the manifest says.
fn check_attachments(manifest: &Manifest, head: &ArchiveHead) -> Result<(), ArchiveError> {
    let (mut ids, mut paths) = (BTreeSet::new(), BTreeSet::new());
    for attachment in &manifest.state.attachments {
        let (id, path) = (&attachment.id, &attachment.relative_path);
        let wrong = |why: String| ArchiveError::entry(MANIFEST, format!("has the attachment {id:?}, {why}"));
        check_attachment_id(id).map_err(|why| wrong(format!("whose id is none: {why}")))?;
        check_attachment_name(&attachment.name).map_err(|why| wrong(format!("whose name is none: {why}")))?;
        if !ids.insert(id) {
            return Err(wrong("and another one of that id".to_owned()));
        }
        if !paths.insert(path) {
            return Err(wrong(format!("whose file {path:?} is another one's too")));
        }
        if !path.starts_with("attachments/") || check_blob_name(path).is_err() {
            return Err(wrong(format!("whose place {path:?} is none")));
        }
        match head.members.iter().find(|member| member.name == *path) {
            Some(member) if member.size == attachment.size && member.sha256 == attachment.sha256 => {}
            Some(_) => return Err(wrong("which is not the file in the archive".to_owned())),
            None if head.left_out.iter().any(|left| left.name == *path) => {}
            None => return Err(wrong("whose file is not in the archive".to_owned())),
        }
    }
    Ok(())
}

/// The header of the next file, which has to be that one.
fn expect(gz: &mut impl Read, id: &RunId, member: &ArchiveMember) -> Result<(), ArchiveError> {
    let mut block = [0; BLOCK];
    gz.read_exact(&mut block).map_err(|error| broken(error, &format!("before {:?}", member.name)))?;
    let header = match tar::parse(&block) {
        Block::File(header) => header,
        Block::Other(name, why) => return Err(ArchiveError::entry(name, why)),
        Block::End => return Err(ArchiveError::entry(&member.name, "is listed, and is not there")),
        Block::Nothing => return Err(ArchiveError::entry(&member.name, "has no header")),
    };
    if header.name != format!("{id}/{}", member.name) {
        return Err(ArchiveError::entry(header.name, format!("is where {:?} has to be", member.name)));
    }
    if header.size != member.size {
        let why = format!("has {} bytes, and {} are listed", header.size, member.size);
        return Err(ArchiveError::entry(&member.name, why));
    }
    Ok(())
}

fn read_text(gz: &mut impl Read, name: &str, size: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut bytes = Vec::new();
    gz.take(size).read_to_end(&mut bytes).map_err(|error| broken(error, &within(name)))?;
    if (bytes.len() as u64) < size {
        return Err(ArchiveError::CutOff { place: within(name) });
    }
    Ok(bytes)
}

fn check_sum(member: &ArchiveMember, sha256: &str) -> Result<(), ArchiveError> {
    if member.sha256 == sha256 {
        return Ok(());
    }
    Err(ArchiveError::entry(&member.name, "is not what its SHA-256 says"))
}

fn skip_padding(gz: &mut impl Read, member: &ArchiveMember) -> Result<(), ArchiveError> {
    skip(gz, tar::padding(member.size), &member.name)
}

fn skip(gz: &mut impl Read, count: usize, name: &str) -> Result<(), ArchiveError> {
    let mut padding = [0; BLOCK];
    let padding = padding.get_mut(..count).unwrap_or_default();
    gz.read_exact(padding).map_err(|error| broken(error, &format!("after {name:?}")))
}
