//! Listings are the same whatever becomes of the index: compared with reading every manifest.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use agent_runner_model::manifest::Dependency;
use agent_runner_model::phase::{Outcome, Phase, RunStatus, Stage};
use agent_runner_model::{ControlFact, Fact, Lease, Manifest, RunId};
use agent_runner_store::{
    FileOptions, FileStore, Kin, ListQuery, NewRun, ProblemKind, RunQuery, RunStore, Seeds, Sort, Takeover,
};
use proptest::prelude::*;

use crate::support::{id, message, new_run, now, spec, time};

struct Shop {
    root: tempfile::TempDir,
    store: FileStore,
}

impl Shop {
    fn new() -> Self {
        let root = tempfile::TempDir::new().unwrap();
        let store = store_at(root.path());
        Self { root, store }
    }

    fn index(&self) -> PathBuf {
        let inside = fs::read_dir(self.root.path().join("cache")).into_iter().flatten();
        let mut dirs = inside.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir());
        dirs.next().unwrap_or_else(|| self.root.path().join("cache/none"))
    }

    fn ids(&self, query: &ListQuery) -> Vec<String> {
        let page = now(self.store.list(query)).unwrap();
        page.rows.iter().map(|row| row.digest.run_id.to_string()).collect()
    }

    /// What reading everything says.
    fn scan(&self, query: &ListQuery) -> Vec<String> {
        let listing = now(self.store.query(&query.scope)).unwrap();
        let mut runs: Vec<Manifest> = listing.runs.into_iter().map(|listed| listed.manifest).collect();
        runs.retain(|run| answers(&self.store, query, run));
        runs.sort_by_key(|run| {
            let at = match query.sort {
                Sort::Created => run.spec.created_at,
                Sort::Updated => run.state.updated_at,
            };
            Reverse((at, run.spec.run_id.clone()))
        });
        runs.truncate(query.limit.unwrap_or(usize::MAX));
        runs.iter().map(|run| run.spec.run_id.to_string()).collect()
    }

    /// Those that have to do with another one, compared with all of them.
    fn check_kin(&self) {
        let scope = everything().scope;
        let all: Vec<Manifest> =
            now(self.store.query(&scope)).unwrap().runs.into_iter().map(|listed| listed.manifest).collect();
        let found = |kin: Kin<'_>, is_meant: &dyn Fn(&Manifest) -> bool| {
            let of = |runs: Vec<Manifest>| -> BTreeSet<(String, String)> {
                let meant = runs.into_iter().filter(|run| is_meant(run));
                meant.map(|run| (run.spec.repo, run.spec.run_id.to_string())).collect()
            };
            assert_eq!(of(now(self.store.kin(kin)).unwrap().runs), of(all.clone()), "{kin:?}");
        };
        for group in ["ga", "gb"] {
            found(Kin::Group(group), &|run| run.state.run_group_id == group);
        }
        for number in 0..8 {
            let run = id(&format!("run-{number}"));
            found(Kin::Children(&run), &|other| other.spec.parent_run_id.as_ref() == Some(&run));
            let mut below: BTreeSet<RunId> = BTreeSet::from([run.clone()]);
            for _ in 0..all.len() {
                let next = all.iter().filter(|other| {
                    other.spec.parent_run_id.as_ref().is_some_and(|parent| below.contains(parent))
                });
                below = next.map(|other| other.spec.run_id.clone()).chain(below.clone()).collect();
            }
            below.remove(&run);
            found(Kin::Descendants(&run), &|other| below.contains(&other.spec.run_id));
            let waits = |other: &Manifest| {
                other.state.dependencies.iter().any(|dependency| match dependency {
                    Dependency::Run { run_id } => *run_id == run,
                    Dependency::Group { group_id } => group_id == "ga",
                })
            };
            found(Kin::WaitingFor { run: &run, group: "ga" }, &waits);
        }
    }

    fn check(&self, query: &ListQuery) {
        assert_eq!(self.ids(query), self.scan(query), "{query:?}");
        let problems = now(self.store.list(query)).unwrap().problems;
        assert_eq!(problems, now(self.store.query(&query.scope)).unwrap().problems);
    }
}

fn store_at(root: &Path) -> FileStore {
    let options = FileOptions { index_dir: Some(root.join("cache")), ..FileOptions::default() };
    FileStore::new(root.join("state"), options)
}

fn answers(store: &FileStore, query: &ListQuery, run: &Manifest) -> bool {
    let free = || now(store.observe_owner(&run.spec.run_id)).unwrap().lease == Lease::Free;
    let is = |wanted: &Option<String>, found: Option<&str>| wanted.is_none() || wanted.as_deref() == found;
    let state = &run.state;
    let mut texts: Vec<&str> = state.name.iter().chain(&state.note).map(String::as_str).collect();
    texts.extend(state.final_tasks.values().flat_map(|task| [task.title.as_str(), task.notes.as_str()]));
    texts.extend(state.queued_resume_messages.iter().map(|message| message.text.as_str()));
    let words: Vec<String> = texts.join(" ").to_lowercase().split_whitespace().map(str::to_owned).collect();
    let found = |wanted: &str| words.iter().any(|word| word.starts_with(wanted));
    (query.statuses.is_empty() || query.statuses.contains(&run.status(free())))
        && is(&query.agent, Some(&run.spec.agent.name))
        && is(&query.backend, Some(&run.spec.backend))
        && is(&query.name, state.name.as_deref())
        && query.since.is_none_or(|since| run.spec.created_at >= since)
        && query.until.is_none_or(|until| run.spec.created_at <= until)
        && (state.pinned || !query.pinned)
        && query.begins.as_ref().is_none_or(|begins| run.spec.run_id.as_str().starts_with(begins))
        && (state.archived_at.is_some() || !query.archived)
        && query.search.as_ref().is_none_or(|search| search.split_whitespace().all(found))
}

fn everything() -> ListQuery {
    ListQuery { scope: RunQuery { include_archived: true, ..RunQuery::default() }, ..ListQuery::default() }
}

#[derive(Debug, Clone)]
enum Act {
    Create { run: u8, repo: u8, phase: u8, at: u8 },
    Commit { run: u8, fact: ControlFact },
    Delete { run: u8 },
    Damage { run: u8 },
    Foreign { run: u8 },
    CopyIn { run: u8 },
    RemoveByHand { run: u8 },
    Keep { run: u8 },
    Restore { run: u8 },
    LoseIndex,
    LoseFile,
    Overwrite { page: u8 },
    Truncate,
    LoseLog,
    RotateLog,
}

const WORDS: [&str; 4] = ["alpha", "alpine", "beta", "gamma"];

fn fact() -> impl Strategy<Value = ControlFact> {
    let word = || prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned);
    let group = prop::sample::select(vec!["ga".to_owned(), "gb".to_owned()]);
    prop_oneof![
        prop::option::of(word()).prop_map(|name| ControlFact::Named { name }),
        prop::option::of((word(), word()).prop_map(|(a, b)| format!("{a} {b}")))
            .prop_map(|note| ControlFact::Noted { note }),
        any::<bool>().prop_map(|pinned| ControlFact::Pinned { pinned }),
        Just(ControlFact::Archived),
        Just(ControlFact::Unarchived),
        group.clone().prop_map(|group_id| ControlFact::Grouped { group_id }),
        group
            .prop_map(|group_id| ControlFact::DependencyAdded { dependency: Dependency::Group { group_id } }),
        (0..8u8).prop_map(|run| ControlFact::DependencyAdded {
            dependency: Dependency::Run { run_id: id(&format!("run-{run}")) }
        }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let run = || 0..8u8;
    prop_oneof![
        8 => (run(), 0..3u8, 0..4u8, 0..9u8)
            .prop_map(|(run, repo, phase, at)| Act::Create { run, repo, phase, at }),
        12 => (run(), fact()).prop_map(|(run, fact)| Act::Commit { run, fact }),
        2 => run().prop_map(|run| Act::Delete { run }),
        1 => run().prop_map(|run| Act::Damage { run }),
        1 => run().prop_map(|run| Act::Foreign { run }),
        1 => run().prop_map(|run| Act::CopyIn { run }),
        1 => run().prop_map(|run| Act::RemoveByHand { run }),
        2 => run().prop_map(|run| Act::Keep { run }),
        2 => run().prop_map(|run| Act::Restore { run }),
        1 => Just(Act::LoseIndex),
        1 => Just(Act::LoseFile),
        1 => (0..60u8).prop_map(|page| Act::Overwrite { page }),
        1 => Just(Act::Truncate),
        1 => Just(Act::LoseLog),
        1 => Just(Act::RotateLog),
    ]
}

fn query() -> impl Strategy<Value = ListQuery> {
    let statuses = prop::sample::subsequence(
        vec![RunStatus::Initialized, RunStatus::Running, RunStatus::Interrupted, RunStatus::Success],
        0..3,
    );
    let search = prop::option::weighted(
        0.3,
        prop::sample::select(vec!["alpha", "al", "al beta", "gam be", "task", "nothing"]),
    );
    let scope = (any::<bool>(), prop::option::weighted(0.3, 0..3u8), prop::option::weighted(0.2, 0..8u8));
    let sort = prop_oneof![Just(Sort::Created), Just(Sort::Updated)];
    let time_of = |at: u8| time(i64::from(at) * 1000);
    (
        scope,
        statuses,
        search,
        sort,
        prop::option::of(1..4usize),
        prop::option::weighted(0.2, 0..9u8),
        any::<[bool; 2]>(),
    )
        .prop_map(
            move |((include_archived, repo, cwd), statuses, search, sort, limit, since, [pinned, named])| {
                ListQuery {
                    scope: RunQuery {
                        cwd: cwd.map(|run| format!("/home/{}", run % 2)),
                        repo: repo.map(|repo| format!("repo-{repo}")),
                        include_archived,
                        ..RunQuery::default()
                    },
                    statuses,
                    search: search.map(str::to_owned),
                    sort,
                    limit,
                    since: since.map(time_of),
                    pinned: pinned && named,
                    name: (named && !pinned).then(|| "alpha".to_owned()),
                    begins: (pinned && !named).then(|| "run-1".to_owned()),
                    archived: include_archived && pinned && !named,
                    ..ListQuery::default()
                }
            },
        )
}

fn phase(number: u8) -> Phase {
    match number {
        0 => Phase::Initialized,
        1 => Phase::Ready,
        2 => Phase::Ended { outcome: Outcome::Success },
        _ => Phase::Active { stage: Stage::Deciding },
    }
}

fn create(shop: &Shop, run: u8, repo: u8, number: u8, at: u8) {
    let mut spec = spec(&format!("run-{run}"), &format!("repo-{repo}"), "claude");
    spec.created_at = time(i64::from(at) * 1000);
    spec.cwd = format!("/home/{}", run % 2);
    // Some descend from others, which need not be there.
    spec.parent_run_id =
        (at > 3).then(|| id(&format!("run-{}", at % 8))).filter(|parent| *parent != spec.run_id);
    let (mut manifest, events) = Manifest::new(spec, None);
    manifest.state.phase = phase(number);
    let _ = now(shop.store.create(NewRun { manifest, events, seeds: Seeds::default() }, time(0)));
}

fn kept(shop: &Shop, run: u8) -> PathBuf {
    shop.root.path().join(format!("kept/run-{run}"))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Puts what was kept of a run in place of what it is now, as from a backup.
fn restore(shop: &Shop, run: u8) {
    let Some(bucket) = fs::read_dir(kept(shop, run)).ok().and_then(|mut inside| inside.next()) else {
        return;
    };
    let bucket = bucket.unwrap();
    let place = shop.root.path().join("state/runs").join(bucket.file_name()).join(format!("run-{run}"));
    if shop.store.location(&id(&format!("run-{run}"))).is_none_or(|there| there == place) {
        let _ = fs::remove_dir_all(&place);
        copy(&bucket.path(), &place);
    }
}

fn carry_out(shop: &Shop, act: &Act, step: usize) {
    let run_id = |run: u8| id(&format!("run-{run}"));
    let dir = |run: u8| shop.store.location(&run_id(run));
    let state = shop.root.path().join("state");
    let file = shop.index().join("runs.sqlite");
    match act {
        Act::Create { run, repo, phase, at } => create(shop, *run, *repo, *phase, *at),
        Act::Commit { run, fact } => {
            let fact = Fact::Control(fact.clone());
            let _ = now(shop.store.commit(&run_id(*run), &[fact], time(1000 * step as i64)));
        }
        Act::Delete { run } => drop(now(shop.store.delete(&run_id(*run), &|_| Ok(())))),
        Act::Damage { run } => {
            // A manifest that is changed by hand is announced by nobody: it is noticed when it is to be shown.
            if let Some(dir) = dir(*run) {
                fs::write(dir.join("run.json"), "{\"half\": ").unwrap();
                shop.check(&everything());
            }
        }
        Act::Foreign { run } => {
            let foreign = state.join("runs/repo-0").join(format!("foreign-{run}"));
            fs::create_dir_all(&foreign).unwrap();
            fs::write(foreign.join("run.json"), r#"{"schemaVersion": 25, "runId": "foreign"}"#).unwrap();
        }
        Act::CopyIn { run } => {
            // A copy under another name is named as a problem, by both.
            if let Some(dir) = dir(*run) {
                let copy = dir.with_file_name(format!("copy-{run}"));
                fs::create_dir_all(&copy).unwrap();
                fs::copy(dir.join("run.json"), copy.join("run.json")).unwrap();
            }
        }
        Act::RemoveByHand { run } => drop(dir(*run).map(|dir| fs::remove_dir_all(dir).unwrap())),
        Act::Keep { run } => {
            if let Some(dir) = dir(*run) {
                let kept = kept(shop, *run);
                let _ = fs::remove_dir_all(&kept);
                copy(&dir, &kept.join(dir.parent().unwrap().file_name().unwrap()));
            }
        }
        Act::Restore { run } => restore(shop, *run),
        Act::LoseIndex => drop(fs::remove_dir_all(shop.index())),
        Act::LoseFile => drop(fs::remove_file(file)),
        Act::Overwrite { page } => {
            if let Ok(mut bytes) = fs::read(&file) {
                let from = usize::from(*page) * 4096;
                bytes.iter_mut().skip(from).take(4096).for_each(|byte| *byte = 0xFF);
                fs::write(&file, bytes).unwrap();
            }
        }
        Act::Truncate => drop(fs::metadata(&file).map(|found| {
            fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(found.len() / 2).unwrap();
        })),
        Act::LoseLog => drop(fs::remove_file(state.join("changed-runs"))),
        Act::RotateLog => drop(fs::rename(state.join("changed-runs"), state.join("changed-runs.1"))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn listings_equal_reading_everything(
        steps in prop::collection::vec((act(), prop::option::weighted(0.6, query())), 1..40)
    ) {
        let shop = Shop::new();
        for (step, (act, query)) in steps.iter().enumerate() {
            carry_out(&shop, act, step);
            if let Some(query) = query {
                shop.check(query);
                shop.check_kin();
            }
        }
        shop.check(&everything());
    }
}

#[test]
fn pages_follow_one_another_without_gaps() {
    let shop = Shop::new();
    for run in 0..8 {
        create(&shop, run, run % 3, 0, run / 2);
    }
    let mut seen = Vec::new();
    let mut query = ListQuery { limit: Some(3), ..everything() };
    loop {
        let page = now(shop.store.list(&query)).unwrap();
        seen.extend(page.rows.iter().map(|row| row.digest.run_id.to_string()));
        // A run that comes in between is on no later page, and shifts none.
        create(&shop, 9, 0, 0, 8);
        match page.next {
            Some(next) => query.after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, ["run-7", "run-6", "run-5", "run-4", "run-3", "run-2", "run-1", "run-0"]);
    let query = ListQuery { after: Some("nonsense".to_owned()), ..everything() };
    assert!(now(shop.store.list(&query)).unwrap_err().to_string().contains("nonsense"));
}

#[test]
fn a_locked_index_is_done_without() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    shop.check(&everything());
    let holder = rusqlite::Connection::open(shop.index().join("runs.sqlite")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    create(&shop, 2, 0, 0, 2);
    assert_eq!(shop.ids(&everything()), ["run-2", "run-1"]);
    drop(holder);
    let guard = fs::File::open(shop.index().with_extension("lock")).unwrap();
    guard.lock().unwrap();
    create(&shop, 3, 0, 0, 3);
    assert_eq!(shop.ids(&everything()), ["run-3", "run-2", "run-1"]);
    drop(guard);
    assert_eq!(shop.ids(&everything()), ["run-3", "run-2", "run-1"]);
}

#[test]
fn a_place_that_cannot_be_written_is_done_without() {
    let shop = Shop::new();
    fs::write(shop.root.path().join("cache"), "not a directory").unwrap();
    create(&shop, 1, 0, 0, 1);
    shop.check(&everything());
}

#[test]
fn a_writer_that_is_at_work_is_looked_at_again() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    shop.check(&everything());
    // Announced, and not done yet when somebody lists.
    let dir = shop.store.location(&id("run-1")).unwrap();
    let lock = fs::File::open(dir.join("run.lock")).unwrap();
    lock.lock().unwrap();
    let log = shop.root.path().join("state/changed-runs");
    fs::write(&log, [fs::read(&log).unwrap().as_slice(), b"repo-0/run-1\n"].concat()).unwrap();
    shop.check(&everything());
    // The change itself, with the same stamp as far as possible: nothing but the log tells of it.
    let text = fs::read_to_string(dir.join("run.json")).unwrap();
    fs::write(dir.join("run.json"), text.replace("\"pinned\": false", "\"pinned\": true ")).unwrap();
    drop(lock);
    let pinned = ListQuery { pinned: true, ..everything() };
    assert_eq!(shop.ids(&pinned), ["run-1"]);
}

#[test]
fn a_change_that_cannot_be_announced_is_found_all_the_same() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    shop.check(&everything());
    let log = shop.root.path().join("state/changed-runs");
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    now(shop.store.commit(&id("run-1"), &[Fact::Control(ControlFact::Pinned { pinned: true })], time(5)))
        .unwrap();
    assert_eq!(shop.ids(&ListQuery { pinned: true, ..everything() }), ["run-1"]);
}

#[test]
fn a_log_that_came_and_went_between_two_looks_is_missed_by_nobody() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    let log = shop.root.path().join("state/changed-runs");
    fs::remove_file(&log).unwrap();
    shop.check(&everything());
    now(shop.store.commit(&id("run-1"), &[Fact::Control(ControlFact::Pinned { pinned: true })], time(5)))
        .unwrap();
    fs::remove_file(&log).unwrap();
    assert_eq!(shop.ids(&ListQuery { pinned: true, ..everything() }), ["run-1"]);
}

#[test]
fn who_waits_for_a_run_is_found_without_reading_all() {
    let shop = Shop::new();
    for run in 1..5 {
        create(&shop, run, 0, 0, run);
    }
    let depend = |run: &str, dependency| {
        let fact = Fact::Control(ControlFact::DependencyAdded { dependency });
        now(shop.store.commit(&id(run), &[fact], time(9))).unwrap();
    };
    depend("run-2", Dependency::Run { run_id: id("run-1") });
    depend("run-3", Dependency::Group { group_id: "run-1".to_owned() });
    let ids = |kin: Kin<'_>| -> Vec<RunId> {
        now(shop.store.kin(kin)).unwrap().runs.into_iter().map(|run| run.spec.run_id).collect()
    };
    let run = id("run-1");
    assert_eq!(ids(Kin::WaitingFor { run: &run, group: "run-1" }), [id("run-3"), id("run-2")]);
    assert_eq!(ids(Kin::WaitingFor { run: &run, group: "other" }), [id("run-2")]);
    assert_eq!(ids(Kin::Group("run-4")), [id("run-4")]);
}

#[test]
fn runs_are_meant_by_beginnings_ages_and_names() {
    let shop = Shop::new();
    for run in 1..4 {
        create(&shop, run, run, 0, run);
    }
    let commit = |run: &str, fact| now(shop.store.commit(&id(run), &[Fact::Control(fact)], time(9))).unwrap();
    commit("run-1", ControlFact::Named { name: Some("the one".to_owned()) });
    let resolved = |text: &str| shop.store.resolve(text).map(|id| id.to_string());
    for (text, meant) in
        [("run-2", "run-2"), ("@last", "run-3"), ("@-1", "run-3"), ("@-3", "run-1"), ("@the one", "run-1")]
    {
        assert_eq!(resolved(text).unwrap(), meant, "{text}");
    }
    for (text, wrong) in [
        ("run", "\"run\" could be more than one run: run-1, run-2, run-3"),
        ("ru", "not found"),
        ("run-9", "not found"),
        ("@-4", "there is no run @-4: there are 3"),
        ("@-0", "\"@-0\" means no run"),
        ("@", "\"@\" means no run"),
        ("@-", "\"@-\" means no run"),
        ("@-+2", "is called \"-+2\""),
        ("@other", "is called \"other\""),
    ] {
        let error = resolved(text).unwrap_err().to_string();
        assert!(error.contains(wrong), "{text}: {error}");
    }
    for (text, hint) in
        [("ru", "at least 3 letters"), ("run", "give more of its id"), ("@-0", "`@-2` is the one before it")]
    {
        let said = resolved(text).unwrap_err().hint().unwrap();
        assert!(said.contains(hint), "{text}: {said}");
    }
    commit("run-3", ControlFact::Archived);
    commit("run-2", ControlFact::Named { name: Some("the one".to_owned()) });
    assert_eq!(resolved("@last").unwrap(), "run-2");
    let several = resolved("@the one").unwrap_err();
    assert!(several.to_string().contains("more than one run: run-2, run-1"));
    assert_eq!(several.hint().unwrap(), "give its id", "more of the name would not help");
    now(shop.store.delete(&id("run-2"), &|_| Ok(()))).unwrap();
    now(shop.store.delete(&id("run-1"), &|_| Ok(()))).unwrap();
    assert_eq!(resolved("run").unwrap(), "run-3");
}

#[test]
fn of_many_runs_that_could_be_meant_some_are_named() {
    let shop = Shop::new();
    for run in 1..14 {
        create(&shop, run, run, 0, run);
    }
    let error = shop.store.resolve("run").unwrap_err().to_string();
    assert!(error.ends_with(" and 3 more"), "{error}");
    assert_eq!(error.matches("run-").count(), 10, "{error}");
}

#[test]
fn foreign_and_newer_directories_are_named_by_the_index() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    carry_out(&shop, &Act::Foreign { run: 1 }, 0);
    carry_out(&shop, &Act::Damage { run: 1 }, 0);
    for _ in 0..2 {
        let page = now(shop.store.list(&everything())).unwrap();
        let kinds: Vec<ProblemKind> = page.problems.iter().map(|problem| problem.kind).collect();
        assert_eq!(kinds, [ProblemKind::Reference, ProblemKind::Unreadable]);
        assert!(page.rows.is_empty());
    }
}

#[test]
fn values_that_are_shown_to_nobody_are_not_in_the_index() {
    let shop = Shop::new();
    let mut new = new_run("secret-run", "repo");
    let value = "hunter2-hunter2";
    let var = serde_json::json!({ "value": value, "source": "env", "envName": "TOKEN" });
    new.manifest.spec.runtime_vars.insert("token".to_owned(), serde_json::from_value(var).unwrap());
    assert!(new.manifest.spec.runtime_vars["token"].is_redacted(), "the test is about such a value");
    now(shop.store.create(new, time(0))).unwrap();
    now(shop.store.commit(&id("secret-run"), &[message(&format!("use {value} now"))], time(1))).unwrap();
    let search = |words: &str| shop.ids(&ListQuery { search: Some(words.to_owned()), ..everything() });
    assert_eq!(search("now"), ["secret-run"]);
    assert_eq!(search("hunter2"), Vec::<String>::new());
    for entry in fs::read_dir(shop.index()).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }
}

#[test]
fn what_is_searched_for_is_no_syntax() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    for words in ["\"", "a OR b", "name:x", "foo-bar \"x\"", "NEAR(", "*", "--", "task AND", "(", "'; DROP"] {
        now(shop.store.list(&ListQuery { search: Some(words.to_owned()), ..everything() })).unwrap();
    }
}

#[test]
fn announcing_costs_little() {
    let shop = Shop::new();
    create(&shop, 1, 0, 0, 1);
    let log = shop.root.path().join("state/changed-runs");
    let before = fs::metadata(&log).unwrap().len();
    let start = Instant::now();
    now(shop.store.commit(&id("run-1"), &[Fact::Control(ControlFact::Pinned { pinned: true })], time(5)))
        .unwrap();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(fs::metadata(&log).unwrap().len() - before, "repo-0/run-1\n".len() as u64);
    assert!(!shop.root.path().join("cache").exists(), "no index is opened on the way of a commit");
}

/// All files of an index, and when they were written.
fn written(shop: &Shop) -> Vec<(PathBuf, SystemTime, u64)> {
    let files = fs::read_dir(shop.index()).unwrap().map(|entry| entry.unwrap());
    let mut written: Vec<_> = files
        .map(|file| {
            (file.path(), file.metadata().unwrap().modified().unwrap(), file.metadata().unwrap().len())
        })
        .filter(|(path, ..)| !path.to_string_lossy().ends_with("-shm"))
        .collect();
    written.sort();
    written
}

#[test]
fn a_listing_writes_only_when_something_happened() {
    let shop = Shop::new();
    create(&shop, 1, 0, 1, 1);
    let empty = shop.root.path().join("state/runs/repo-0/run-7");
    fs::create_dir_all(&empty).unwrap();
    // Directories that were changed this moment may be changed again within the same tick of the clock.
    let bucket = empty.parent().unwrap();
    let past = SystemTime::now() - Duration::from_secs(60);
    fs::File::open(bucket).unwrap().set_modified(past).unwrap();
    assert_eq!(shop.ids(&everything()), ["run-1"]);
    let before = written(&shop);
    assert!(!before.is_empty());
    shop.check(&everything());
    assert_eq!(written(&shop), before);
    // What was nothing becomes a run, without a word from anybody.
    let manifest = fs::read_to_string(shop.store.location(&id("run-1")).unwrap().join("run.json")).unwrap();
    fs::write(empty.join("run.json"), manifest.replace("\"run-1\"", "\"run-7\"")).unwrap();
    fs::File::open(bucket).unwrap().set_modified(past).unwrap();
    assert_eq!(shop.ids(&everything()).len(), 2);
    shop.check(&everything());
}

#[test]
fn a_bucket_that_cannot_be_looked_into_is_named_until_it_can() {
    let shop = Shop::new();
    create(&shop, 1, 0, 2, 1);
    // Nobody can follow it, whoever they are.
    let bucket = shop.root.path().join("state/runs/repo-1");
    std::os::unix::fs::symlink("repo-1", &bucket).unwrap();
    for _ in 0..2 {
        let page = now(shop.store.list(&everything())).unwrap();
        assert_eq!((page.rows.len(), page.problems.len()), (1, 1));
        assert_eq!(page.problems[0].path, bucket);
        assert!(page.problems[0].message.contains("cannot list"), "{}", page.problems[0].message);
    }
    fs::remove_file(&bucket).unwrap();
    create(&shop, 2, 1, 2, 2);
    assert_eq!(shop.ids(&everything()), ["run-2", "run-1"]);
    shop.check(&everything());
}

#[test]
fn buckets_with_names_that_nobody_would_give_are_followed() {
    let shop = Shop::new();
    create(&shop, 1, 0, 2, 1);
    let runs = shop.root.path().join("state/runs");
    fs::rename(runs.join("repo-0"), runs.join("my own")).unwrap();
    assert_eq!(shop.ids(&everything()), ["run-1"]);
    now(shop.store.commit(&id("run-1"), &[Fact::Control(ControlFact::Pinned { pinned: true })], time(9)))
        .unwrap();
    assert_eq!(shop.ids(&ListQuery { pinned: true, ..everything() }), ["run-1"]);
}

#[test]
fn there_is_a_next_page_only_if_there_is_something_on_it() {
    let shop = Shop::new();
    create(&shop, 1, 0, 3, 1);
    create(&shop, 2, 0, 3, 2);
    let driven = now(shop.store.acquire_owner(&id("run-2"), Duration::ZERO, Takeover::Never)).unwrap();
    let running = ListQuery { statuses: vec![RunStatus::Running], limit: Some(1), ..everything() };
    let page = now(shop.store.list(&running)).unwrap();
    assert_eq!((page.rows.len(), page.next), (1, None));
    drop(driven);
}

#[test]
fn a_log_that_is_no_file_is_waited_for_by_nobody() {
    let shop = Shop::new();
    create(&shop, 1, 0, 2, 1);
    let log = shop.root.path().join("state/changed-runs");
    let pipe =
        || rustix::fs::mknodat(rustix::fs::CWD, &log, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    fs::remove_file(&log).unwrap();
    pipe();
    assert_eq!(shop.ids(&everything()), ["run-1"]);
    now(shop.store.commit(&id("run-1"), &[Fact::Control(ControlFact::Pinned { pinned: true })], time(9)))
        .unwrap();
    shop.check(&ListQuery { pinned: true, ..everything() });
}

#[test]
fn a_directory_that_was_replaced_by_an_older_copy_is_read_again() {
    let shop = Shop::new();
    create(&shop, 1, 0, 2, 1);
    let pin = |pinned| Fact::Control(ControlFact::Pinned { pinned });
    now(shop.store.commit(&id("run-1"), &[pin(true)], time(8))).unwrap();
    carry_out(&shop, &Act::Keep { run: 1 }, 0);
    now(shop.store.commit(&id("run-1"), &[pin(false)], time(9))).unwrap();
    let pinned = ListQuery { pinned: true, ..everything() };
    assert_eq!(shop.ids(&pinned), Vec::<String>::new());
    carry_out(&shop, &Act::Restore { run: 1 }, 0);
    assert_eq!(shop.ids(&pinned), ["run-1"]);
}
