//! Archives: what was written is what is read, to the byte, and whatever else somebody calls an archive is refused with words
//! that say why, without leaving anything.

use std::fs;
use std::io::{self, Read, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use agent_runner_model::attachment::Attachment;
use agent_runner_model::vars::{RuntimeVar, VarProvenance, VarValue};
use agent_runner_model::{Manifest, RunId, Secrets, redacted};
use agent_runner_store::{
    AdoptedRun, ArchiveError, ArchiveReader, Archived, FileStore, NewRun, RunStore, StoreError, ToArchive,
    write_archive,
};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::support::{Place, id, message, new_run, now, time};

const FILE: &[u8] = b"handed over";
const PLACE: &str = "attachments/att-0/file.txt";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A run with some of everything.
fn place_with(change: impl FnOnce(&mut NewRun)) -> Place {
    let place = Place::new();
    let mut new = new_run("run", "repo");
    new.manifest.state.attachments.push(Attachment {
        id: "att-0".to_owned(),
        name: "file.txt".to_owned(),
        mime_type: "text/plain".to_owned(),
        size: FILE.len() as u64,
        sha256: sha256(FILE),
        added_at: time(0),
        relative_path: PLACE.to_owned(),
    });
    change(&mut new);
    now(place.store.create(new, time(0))).unwrap();
    now(place.store.put_blob(&id("run"), PLACE, FILE)).unwrap();
    now(place.store.put_blob(&id("run"), "attempts/00.json", b"{}\n")).unwrap();
    let log = "a line that is long enough to be compressed\n".repeat(200);
    now(place.store.put_blob(&id("run"), "attempts/00.stdout.log", log.as_bytes())).unwrap();
    now(place.store.seal_blob(&id("run"), "attempts/00.stdout.log")).unwrap();
    now(place.store.commit(&id("run"), &[message("m")], time(5))).unwrap();
    place
}

fn place() -> Place {
    place_with(|_| {})
}

fn export(store: &FileStore) -> (Vec<u8>, Archived) {
    let tail = now(store.tail(&id("run"), 0, None)).unwrap();
    let (shown, secrets) = (redacted(&tail.manifest), Secrets::of(&tail.manifest.spec));
    let run = ToArchive {
        manifest: &shown,
        events: tail.events,
        unreadable: tail.unreadable,
        secrets: &secrets,
        status: "running",
        is_snapshot: true,
        program_version: "9.9.9",
    };
    let mut bytes = Vec::new();
    let archived = now(write_archive(store, run, &mut bytes)).unwrap();
    assert_eq!(archived.size, bytes.len() as u64);
    (bytes, archived)
}

/// Takes a run over as it is.
fn import(store: &FileStore, bytes: &[u8]) -> Result<Manifest, StoreError> {
    import_from(store, Box::new(bytes))
}

fn import_from(store: &FileStore, source: Box<dyn Read + Send + '_>) -> Result<Manifest, StoreError> {
    let mut archive = ArchiveReader::open(source)?;
    let manifest = archive.manifest().clone();
    let (history, seeds) = archive.take_texts();
    let run = AdoptedRun { manifest, history, events: Vec::new(), seeds };
    now(store.adopt(run, time(9), &mut |arrival| archive.bring(arrival)))
}

/// An entry of a tar file.
#[derive(Clone)]
struct Entry {
    name: String,
    kind: u8,
    bytes: Vec<u8>,
    /// Another size than it has.
    size: Option<u64>,
}

fn unpack(bytes: &[u8]) -> Vec<Entry> {
    let mut tar = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut tar).unwrap();
    let mut entries = Vec::new();
    let mut rest = tar.as_slice();
    while rest[0] != 0 {
        let text = |from: usize, len: usize| {
            let field = rest[from..from + len].split(|byte| *byte == 0).next().unwrap();
            String::from_utf8(field.to_vec()).unwrap()
        };
        let (prefix, name) = (text(345, 155), text(0, 100));
        let name = if prefix.is_empty() { name } else { format!("{prefix}/{name}") };
        let size = usize::from_str_radix(&text(124, 12), 8).unwrap();
        let bytes = rest[512..512 + size].to_vec();
        entries.push(Entry { name, kind: rest[156], bytes, size: None });
        rest = &rest[512 + size.div_ceil(512) * 512..];
    }
    entries
}

fn pack(entries: &[Entry]) -> Vec<u8> {
    gzip(&tar(entries, true))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gz = GzEncoder::new(Vec::new(), Compression::default());
    gz.write_all(bytes).unwrap();
    gz.finish().unwrap()
}

fn tar(entries: &[Entry], ends: bool) -> Vec<u8> {
    let mut tar = Vec::new();
    for entry in entries {
        let mut header = [0_u8; 512];
        header[..entry.name.len()].copy_from_slice(entry.name.as_bytes());
        header[100..107].copy_from_slice(b"0000600");
        let size = entry.size.unwrap_or(entry.bytes.len() as u64);
        header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
        header[156] = entry.kind;
        if matches!(entry.kind, b'1' | b'2') {
            header[157..168].copy_from_slice(b"/etc/passwd");
        }
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].copy_from_slice(b"        ");
        let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        tar.extend(header);
        tar.extend(&entry.bytes);
        tar.resize(tar.len().div_ceil(512) * 512, 0);
    }
    if ends {
        tar.extend([0; 1024]);
    }
    tar
}

/// The head of an archive, changed; the rest as it is.
fn with_head(entries: &[Entry], change: impl FnOnce(&mut Value)) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    let mut head: Value = serde_json::from_slice(&entries[0].bytes).unwrap();
    change(&mut head);
    entries[0].bytes = serde_json::to_vec(&head).unwrap();
    entries
}

/// A file of an archive, changed, and listed as it is now.
fn with_file(entries: &[Entry], name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Vec<Entry> {
    let mut entries = entries.to_vec();
    let entry = entries.iter_mut().find(|entry| entry.name == format!("run/{name}")).unwrap();
    change(&mut entry.bytes);
    let (size, sum) = (entry.bytes.len(), sha256(&entry.bytes));
    with_head(&entries, |head| {
        let members = head["members"].as_array_mut().unwrap();
        let member = members.iter_mut().find(|member| member["name"] == name).unwrap();
        member["size"] = json!(size);
        member["sha256"] = json!(sum);
    })
}

fn with_manifest(entries: &[Entry], change: impl FnOnce(&mut Value)) -> Vec<Entry> {
    with_file(entries, "run.json", |bytes| {
        let mut manifest: Value = serde_json::from_slice(bytes).unwrap();
        change(&mut manifest);
        *bytes = serde_json::to_vec(&manifest).unwrap();
    })
}

#[track_caller]
fn refused(what: &str, bytes: &[u8], words: &str) {
    let place = Place::new();
    let error = match import(&place.store, bytes) {
        Ok(_) => panic!("{what} was taken over"),
        Err(error) => error,
    };
    assert!(matches!(error, StoreError::Archive(_)), "{what}: {error:?}");
    let said = error.to_string();
    assert!(said.contains(words), "{what}: {said}");
    assert!(error.hint().is_some());
    let left: Vec<_> = fs::read_dir(place.dir.path().join("runs/repo")).into_iter().flatten().collect();
    assert!(left.is_empty(), "{what} left {left:?}");
}

#[test]
fn what_is_read_is_what_was_written() {
    let first = place();
    let (bytes, archived) = export(&first.store);
    assert_eq!(export(&first.store).0, bytes, "the same run makes the same bytes");
    let names: Vec<&str> = archived.head.members.iter().map(|member| member.name.as_str()).collect();
    let expected = [
        "run.json",
        "run-events.jsonl",
        "agent-seed.md",
        PLACE,
        "attempts/00.json",
        "attempts/00.stdout.log.gz",
    ];
    assert_eq!(names, expected);
    assert_eq!(archived.head.left_out, []);
    let entries = unpack(&bytes);
    assert_eq!(entries[0].name, "run/archive.json");
    assert_eq!(entries.len(), expected.len() + 1);
    assert_eq!(pack(&entries).len() / 512, bytes.len() / 512, "these tests pack as it does");

    let second = Place::new();
    let was = now(first.store.snapshot(&id("run"))).unwrap();
    let is = import(&second.store, &bytes).unwrap();
    assert_eq!((&is.spec, is.last_cursor), (&was.spec, was.last_cursor));
    let blob = |place: &Place, name| now(place.store.get_blob(&id("run"), name)).unwrap();
    for name in [PLACE, "attempts/00.json", "attempts/00.stdout.log", "agent-seed.md"] {
        assert_eq!(blob(&first, name), blob(&second, name), "{name}");
    }
    let again = export(&second.store).0;
    let third = Place::new();
    import(&third.store, &again).unwrap();
    let events = |place: &Place| now(place.store.tail(&id("run"), 0, None)).unwrap().events;
    assert_eq!(events(&first), events(&third));
}

#[test]
fn other_programs_can_read_it() {
    let (bytes, _) = export(&place().store);
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("a.tar.gz");
    fs::write(&file, bytes).unwrap();
    let output =
        std::process::Command::new("tar").arg("xzf").arg(&file).arg("-C").arg(dir.path()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(fs::read(dir.path().join("run").join(PLACE)).unwrap(), FILE);
}

#[test]
fn values_are_in_no_archive_and_what_holds_one_is_left_out() {
    const VALUE: &str = "canary \"in\" ümlaut";
    let place = place_with(|new| {
        let var = RuntimeVar {
            value: VarValue::Text(VALUE.to_owned()),
            source: VarProvenance::Env,
            env_name: Some("TOKEN".to_owned()),
            inherited_from_run_id: None,
        };
        new.manifest.spec.runtime_vars.insert("token".to_owned(), var);
        new.manifest.spec.brief = format!("Say {VALUE}.");
        new.seeds.agent = Some(format!("Seed {VALUE}"));
    });
    let put = |name: &str, text: &str| now(place.store.put_blob(&id("run"), name, text.as_bytes())).unwrap();
    // Across the pieces it is looked through in, compressed, escaped, and in a file that is damaged.
    let far = |at: usize| format!("{}{VALUE}{}", "x".repeat(at), "y".repeat(300_000));
    put("attempts/01.prompt.md", &far(262_140));
    put("attempts/02.stdout.log", &far(10));
    now(place.store.seal_blob(&id("run"), "attempts/02.stdout.log")).unwrap();
    put("attempts/03.events.jsonl", &serde_json::to_string(VALUE).unwrap());
    fs::write(place.run_dir(&id("run")).join("attempts/04.gz"), b"\x1f\x8bnothing").unwrap();
    let (bytes, archived) = export(&place.store);
    let left: Vec<&str> = archived.head.left_out.iter().map(|left| left.name.as_str()).collect();
    let expected =
        ["attempts/01.prompt.md", "attempts/02.stdout.log.gz", "attempts/03.events.jsonl", "attempts/04.gz"];
    assert_eq!(left, expected);
    assert_eq!(archived.head.redacted_vars, ["token"]);
    for entry in unpack(&bytes) {
        let mut text = entry.bytes.clone();
        if entry.name.ends_with(".gz") {
            text.clear();
            GzDecoder::new(entry.bytes.as_slice()).read_to_end(&mut text).unwrap();
        }
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{}", entry.name);
    }
    let run = import(&Place::new().store, &bytes).unwrap();
    assert!(run.spec.runtime_vars["token"].is_lost());
    assert_eq!(run.spec.brief, "Say [redacted].");
}

#[test]
fn a_name_that_holds_a_value_is_nowhere_in_it() {
    const NAME: &str = "attachments/att-1/dump-canary-4711.txt";
    let place = place_with(|new| {
        let var = RuntimeVar {
            value: VarValue::Text("canary-4711".to_owned()),
            source: VarProvenance::Env,
            env_name: Some("TOKEN".to_owned()),
            inherited_from_run_id: None,
        };
        new.manifest.spec.runtime_vars.insert("token".to_owned(), var);
        let known = new.manifest.state.attachments[0].clone();
        let (id, name) = ("att-1".to_owned(), "dump-canary-4711.txt".to_owned());
        new.manifest.state.attachments.push(Attachment { id, name, relative_path: NAME.to_owned(), ..known });
    });
    now(place.store.put_blob(&id("run"), NAME, FILE)).unwrap();
    let (bytes, archived) = export(&place.store);
    for entry in unpack(&bytes) {
        let text = String::from_utf8_lossy(&entry.bytes);
        assert!(!text.contains("canary") && !entry.name.contains("canary"), "{}: {text}", entry.name);
    }
    let left: Vec<(&str, &str)> =
        archived.head.left_out.iter().map(|left| (left.name.as_str(), left.why.as_str())).collect();
    assert_eq!(
        left,
        [("attachments/left-out-1/file", "its name holds a value that is shown to nobody")],
        "it is named once, with the true reason"
    );
    let run = import(&Place::new().store, &bytes).unwrap();
    let names: Vec<&str> = run.state.attachments.iter().map(|known| known.name.as_str()).collect();
    assert_eq!(names, ["file.txt", "dump-[redacted].txt"]);
}

#[test]
fn a_log_that_no_archive_takes_is_left_out() {
    let place = place();
    // Nothing but a length: the disk has none of it.
    let dir = place.run_dir(&id("run"));
    let log = fs::File::create(dir.join("attempts/00.stderr.log")).unwrap();
    log.set_len(128 * 1024 * 1024 + 1).unwrap();
    let (bytes, archived) = export(&place.store);
    let left: Vec<(&str, &str)> =
        archived.head.left_out.iter().map(|left| (left.name.as_str(), left.why.as_str())).collect();
    let why = "it has more than 134217728 bytes";
    assert_eq!(left, [("attempts/00.stderr.log", why)]);
    import(&Place::new().store, &bytes).unwrap();
}

#[test]
fn what_was_kept_of_an_original_comes_along() {
    let place = place();
    for (name, text) in
        [("imported/run.json", "{\"schemaVersion\":25}"), ("imported/run-events.jsonl", "{}\n")]
    {
        now(place.store.put_blob(&id("run"), name, text.as_bytes())).unwrap();
    }
    let (bytes, archived) = export(&place.store);
    assert_eq!(archived.head.left_out, []);
    let second = Place::new();
    import(&second.store, &bytes).unwrap();
    for name in ["imported/run.json", "imported/run-events.jsonl"] {
        let blob = |place: &Place| now(place.store.get_blob(&id("run"), name)).unwrap();
        assert!(blob(&second).is_some(), "{name}");
        assert_eq!(blob(&place), blob(&second), "{name}");
    }
}

#[test]
fn what_is_no_file_of_the_run_is_left_out() {
    let place = place();
    let dir = place.run_dir(&id("run"));
    std::os::unix::fs::symlink("/etc/passwd", dir.join("attempts/link")).unwrap();
    fs::write(dir.join("attempts/odd name"), b"x").unwrap();
    fs::write(dir.join("attempts/05.json.1-2.tmp"), b"x").unwrap();
    fs::remove_file(dir.join(PLACE)).unwrap();
    let (bytes, archived) = export(&place.store);
    let left: Vec<&str> = archived.head.left_out.iter().map(|left| left.name.as_str()).collect();
    assert_eq!(left, ["attempts/link", "attempts/odd name", PLACE]);
    import(&Place::new().store, &bytes).unwrap();
}

#[test]
fn what_is_no_archive_is_refused() {
    let (bytes, _) = export(&place().store);
    refused("nothing", b"", "not an archive");
    refused("a text", b"hello", "not compressed with gzip");
    refused("a compressed text", &gzip(&[b'x'; 600]), "no tar file");
    refused("too little", &gzip(b"x"), "cut off");
    refused("an empty tar file", &gzip(&[0; 1024]), "it is empty");
    let mut more = bytes.clone();
    more.extend_from_slice(b"more");
    refused("something behind it", &more, "something follows");
    refused("twice the same", &[bytes.as_slice(), bytes.as_slice()].concat(), "something follows");
    let mut tar = tar(&unpack(&bytes), true);
    tar.extend([0; 512]);
    refused("something behind its end", &gzip(&tar), "something follows");
}

#[test]
fn whatever_is_cut_off_or_spoilt_is_refused() {
    let (bytes, _) = export(&place().store);
    for len in (0..bytes.len()).step_by(23).chain(bytes.len() - 30..bytes.len()) {
        let place = Place::new();
        let error = import(&place.store, &bytes[..len]).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Archive(_)), "{len}: {error:?}");
    }
    for at in (0..bytes.len()).step_by(37) {
        let mut spoilt = bytes.clone();
        spoilt[at] ^= 0x55;
        let place = Place::new();
        // Some bytes at the beginning mean nothing: the time and the system of the compression.
        if (4..10).contains(&at) {
            continue;
        }
        let error = import(&place.store, &spoilt).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Archive(_)), "{at}: {error:?}");
        let left: Vec<_> = fs::read_dir(place.dir.path().join("runs/repo")).into_iter().flatten().collect();
        assert!(left.is_empty(), "{at}: {left:?}");
    }
    let entries = unpack(&bytes);
    refused("no end", &gzip(&tar(&entries, false)), "cut off");
    refused("a file less", &pack(&entries[..entries.len() - 1]), "is listed, and is not there");
}

#[test]
fn entries_that_do_not_belong_there_are_refused() {
    let entries = unpack(&export(&place().store).0);
    let last = entries.len() - 1;
    let renamed = |name: &str| {
        let mut entries = entries.clone();
        entries[last].name = name.to_owned();
        pack(&entries)
    };
    for name in
        ["/etc/passwd", "../x", "run/../../x", "run/attempts/../../x", "other/attempts/00.stdout.log.gz", "x"]
    {
        refused(name, &renamed(name), "has to be");
    }
    for (kind, words) in [
        (b'1', "hard link"),
        (b'2', "symbolic link"),
        (b'3', "device"),
        (b'5', "directory"),
        (b'6', "named pipe"),
    ] {
        let mut entries = entries.clone();
        entries[last].kind = kind;
        refused(words, &pack(&entries), words);
        entries[0].kind = kind;
        refused(words, &pack(&entries), words);
    }
    for kind in *b"LKxgS" {
        let mut entries = entries.clone();
        entries[1].kind = kind;
        refused("an extended header", &pack(&entries), "of a kind");
    }
    let mut more = entries.clone();
    more.push(Entry { name: "run/attempts/99.json".to_owned(), ..entries[last].clone() });
    refused("a file more", &pack(&more), "not in the archive's own list");
    let mut twice = entries.clone();
    twice.insert(last, entries[last - 1].clone());
    refused("a file twice", &pack(&twice), "has to be");
    let mut swapped = entries.clone();
    swapped.swap(last, last - 1);
    refused("another order", &pack(&swapped), "has to be");
    let mut spoilt = entries.clone();
    spoilt[last].bytes[0] ^= 1;
    refused("other bytes", &pack(&spoilt), "SHA-256");
    let mut sized = entries.clone();
    sized[last].size = Some(1 << 32);
    refused("another size", &pack(&sized), "are listed");
    let mut first = entries.clone();
    first.remove(0);
    refused("no head", &pack(&first), "has to be");
    let mut huge = entries.clone();
    huge[0].size = Some(1 << 32);
    refused("a huge head", &pack(&huge), "more than");
}

#[test]
fn heads_that_cannot_be_are_refused() {
    let entries = unpack(&export(&place().store).0);
    let head = |change: &dyn Fn(&mut Value)| pack(&with_head(&entries, change));
    let tomorrow = head(&|head| {
        head["format"] = json!(2);
        head["members"] = json!("of tomorrow");
    });
    refused("a newer format", &tomorrow, "newer version");
    refused("no format", &head(&|head| head["format"] = json!(0)), "never was one");
    refused("no run id", &head(&|head| head["runId"] = json!("../x")), "cannot be understood");
    refused("another run id", &head(&|head| head["runId"] = json!("other")), "is about run other");
    refused("no list", &head(&|head| head["members"] = json!([])), "where it has to be");
    refused(
        "no JSON",
        &{
            let mut entries = entries.clone();
            entries[0].bytes = b"{".to_vec();
            pack(&entries)
        },
        "cannot be understood",
    );
    for name in [
        "../x",
        "/etc/passwd",
        "run.lock",
        "driver.log",
        "attempts/../x",
        "attempts",
        "other/x",
        "attempts/.x",
        "",
    ] {
        let list = head(&|head| head["members"][5]["name"] = json!(name));
        refused(name, &list, "which no run has");
    }
    refused("a huge file", &head(&|head| head["members"][5]["size"] = json!(1_u64 << 40)), "with more than");
    let many = head(&|head| {
        let member = head["members"][5].clone();
        head["members"] = Value::Array((0..10_001).map(|_| member.clone()).collect());
    });
    refused("very many files", &many, "more than 10000 files");
    let much = head(&|head| {
        let member =
            |at: usize| json!({"name": format!("attempts/{at:03}"), "size": 128 << 20, "sha256": "0"});
        let mut members = head["members"].as_array().unwrap()[..2].to_vec();
        members.extend((0..9).map(member));
        head["members"] = Value::Array(members);
    });
    refused("very many bytes", &much, "bytes");
    let twice = head(&|head| head["members"][5]["name"] = json!("attempts/00.json"));
    refused("a name twice", &twice, "twice");
    let mut folder = entries.clone();
    for entry in &mut folder {
        entry.name = entry.name.replace("run/", "Other_One/");
    }
    refused("no id as a folder", &pack(&folder), "RUN-ID");
}

#[test]
fn manifests_and_histories_that_cannot_be_are_refused() {
    let entries = unpack(&export(&place().store).0);
    let manifest = |change: &dyn Fn(&mut Value)| pack(&with_manifest(&entries, change));
    refused("another run", &manifest(&|run| run["spec"]["runId"] = json!("other")), "is about run other");
    refused("a bad id", &manifest(&|run| run["spec"]["runId"] = json!("../x")), "cannot be understood");
    refused("a newer one", &manifest(&|run| run["schemaVersion"] = json!(99)), "newer version");
    refused("another length", &manifest(&|run| run["eventsLen"] = json!(1)), "the manifest counts 1");
    let elsewhere =
        manifest(&|run| run["state"]["attachments"][0]["relativePath"] = json!("attachments/../../../x"));
    refused("an attachment elsewhere", &elsewhere, "is none");
    let manifested = manifest(&|run| run["state"]["attachments"][0]["relativePath"] = json!("run.json"));
    refused("an attachment that is none", &manifested, "is none");
    let other = manifest(&|run| run["state"]["attachments"][0]["sha256"] = json!("0"));
    refused("another attachment", &other, "not the file in the archive");
    let missing = manifest(&|run| run["state"]["attachments"][0]["relativePath"] = json!("attachments/x/y"));
    refused("an attachment less", &missing, "not in the archive");
    for bad in ["", "../x", "..", "a b", "a/b"] {
        let bad_id = manifest(&|run| run["state"]["attachments"][0]["id"] = json!(bad));
        refused("an id that is none", &bad_id, "whose id is none");
    }
    for bad in ["", "..", "a/b", "a\u{7}b"] {
        let bad_name = manifest(&|run| run["state"]["attachments"][0]["name"] = json!(bad));
        refused("a name that is none", &bad_name, "whose name is none");
    }
    let twice = |change: &dyn Fn(&mut Value)| {
        manifest(&|run| {
            let known = run["state"]["attachments"].as_array_mut().unwrap();
            known.push(known[0].clone());
            change(&mut known[1]);
        })
    };
    refused("an id that is taken", &twice(&|_| {}), "another one of that id");
    refused("a file of two", &twice(&|other| other["id"] = json!("att-1")), "is another one's too");
    let deep = pack(&with_file(&entries, "run.json", |bytes| *bytes = b"[".repeat(1_000_000)));
    refused("a deep one", &deep, "cannot be understood");
    // These are found when it is put in place.
    for bad in [&b"x\n"[..], b"{}"] {
        let bytes = with_file(&entries, "run-events.jsonl", |bytes| *bytes = bad.to_vec());
        let bytes = pack(&with_manifest(&bytes, |run| run["eventsLen"] = json!(bad.len())));
        let place = Place::new();
        let error = import(&place.store, &bytes).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::History { .. }), "{error}");
    }
    for repo in ["../../x", ".create.lock", ".graph.lock"] {
        let bucket = manifest(&|run| run["spec"]["repo"] = json!(repo));
        let error = import(&Place::new().store, &bucket).map(|_| ()).unwrap_err();
        assert!(matches!(error, StoreError::Name { .. }), "{repo}: {error}");
    }
    let seed = pack(&with_file(&entries, "agent-seed.md", |bytes| *bytes = vec![0xff]));
    refused("a seed that is no text", &seed, "UTF-8");
}

/// Zeros without end, counted.
struct Endless {
    head: io::Cursor<Vec<u8>>,
    read: Arc<AtomicU64>,
}

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.head.read(buf)?;
        let count = if count > 0 {
            count
        } else {
            buf.fill(0);
            buf.len()
        };
        self.read.fetch_add(count as u64, Ordering::SeqCst);
        Ok(count)
    }
}

#[test]
fn a_bomb_is_not_unpacked() {
    let entries = unpack(&export(&place().store).0);
    // A gigabyte of zeros behind the last file, in a megabyte.
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&tar(&entries, true)).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..256 {
        bomb.write_all(&zeros).unwrap();
    }
    refused("a bomb", &bomb.finish().unwrap(), "something follows");
    let read = Arc::new(AtomicU64::new(0));
    let endless = Endless { head: io::Cursor::new(pack(&entries)), read: Arc::clone(&read) };
    let place = Place::new();
    let error = import_from(&place.store, Box::new(endless)).map(|_| ()).unwrap_err();
    assert!(matches!(error, StoreError::Archive(ArchiveError::NotOne { .. })), "{error}");
    assert!(read.load(Ordering::SeqCst) < 1 << 20);
}

#[test]
fn what_changes_while_it_is_exported_is_said() {
    let place = place();
    let tail = now(place.store.tail(&id("run"), 0, None)).unwrap();
    let secrets = Secrets::default();
    let run = ToArchive {
        manifest: &tail.manifest,
        events: tail.events,
        unreadable: 0,
        secrets: &secrets,
        status: "running",
        is_snapshot: true,
        program_version: "9.9.9",
    };
    /// Grows one log and replaces another file as soon as something is written.
    struct Meddler<'a> {
        store: &'a FileStore,
        run: RunId,
        done: bool,
    }
    impl io::Write for Meddler<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if !self.done {
                self.done = true;
                now(self.store.put_blob(&self.run, "attempts/00.json", b"{ }")).unwrap();
            }
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut out = Meddler { store: &place.store, run: id("run"), done: false };
    // So much that something is written before the last files are read again.
    let noise: Vec<u8> = (0..2_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    now(place.store.put_blob(&id("run"), "attachments/noise/noise", &noise)).unwrap();
    let error = now(write_archive(&place.store, run, &mut out)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Archive(ArchiveError::Changed { name }) if name == "attempts/00.json"),
        "{error}"
    );
}
