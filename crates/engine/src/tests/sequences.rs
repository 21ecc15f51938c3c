//! Random operations on a few runs, against a plain model of what they do: each answer, and what can be seen after it.

mod acts;
mod budgets;
mod compare;
mod driving;
mod making;
mod plain;
mod tasks;
mod work;

use std::collections::BTreeMap;
use std::fs::File;
use std::rc::Rc;

use agent_runner_api::ApiError;
use proptest::collection::vec;
use proptest::prelude::*;

use super::world::World;
use plain::{Plain, Stand};

/// Which run, and two numbers that say what.
#[derive(Debug, Clone, Copy)]
struct Wish {
    kind: u8,
    run: u8,
    a: u8,
    b: u8,
}

/// Whether something was to be expected, and whether it was done.
type Came = (bool, Result<(), ApiError>);

const GROUPS: [&str; 3] = ["team", "other", "third"];
/// What is polled here lies on the stack, and much of it is large in a build for tests.
const STACK: usize = 32 << 20;
/// More are looked at in vain.
const MOST_RUNS: usize = 6;

struct Model {
    world: Rc<World>,
    plain: Plain,
    /// Counts directories, conversations and words.
    number: usize,
    /// What workers wait for; they end when these are closed.
    gates: Vec<File>,
    /// How often something was done, and how often it was refused, by what it was.
    seen: Seen,
}

impl Model {
    fn new() -> Self {
        let world = World::new(Vec::new());
        let directory = world.path().join("config/assignments/work");
        std::fs::create_dir_all(&directory).unwrap();
        let text = "---\nschemaVersion: 1\nname: work\nvars:\n  range: {default: all}\ntasks:\n  - id: main\n    \
                    title: \"Look at {{range}}\"\n    body: With care\n---\nDo it.\n";
        std::fs::write(directory.join("assignment.md"), text).unwrap();
        let (plain, gates, seen) = (Plain::default(), Vec::new(), Seen::new());
        Self { world: Rc::new(world), plain, number: 0, gates, seen }
    }

    fn next_number(&mut self) -> usize {
        self.number += 1;
        self.number
    }

    /// Carries one wish out on both sides.
    async fn carry_out(&mut self, wish: Wish) {
        let runs = self.plain.runs.len();
        if runs == 0 || runs < MOST_RUNS && wish.kind % 32 < 3 {
            let came = Box::pin(self.create(wish)).await;
            return self.judge(wish, "create", came).await;
        }
        let at = self.pick(wish);
        let wants_work = matches!(wish.kind % 32, 4..=10);
        if wants_work && !wish.a.is_multiple_of(8) && self.plain.runs[at].stand == Stand::Initialized {
            // Otherwise hardly any run would ever be started.
            let came = self.ready(at).await;
            self.judge(wish, "ready", came).await;
        }
        let (what, came) = match wish.kind % 32 {
            // What is long goes to the heap: a test's stack is small.
            3 | 27 => ("delete", Box::pin(self.delete(at, wish)).await),
            4..=9 => ("work", Box::pin(self.work(at, wish)).await),
            10 => ("resume", Box::pin(self.resume(at, wish)).await),
            11 | 12 => Box::pin(self.clear_up(at, wish)).await,
            13..=15 => Box::pin(self.task(at, wish)).await,
            16 | 17 => Box::pin(self.rewrite(at, wish)).await,
            18 | 19 => ("dependency", Box::pin(self.dependency(at, wish)).await),
            20 => ("attachment", Box::pin(self.attachment(at, wish)).await),
            21 => ("message", Box::pin(self.message(at, wish)).await),
            22 | 23 => ("extend", Box::pin(self.extend(at, wish)).await),
            24 => ("reconfigure", Box::pin(self.reconfigure(at, wish)).await),
            25 => ("make anew", Box::pin(self.make_anew(at, wish)).await),
            26 => ("conversation", Box::pin(self.conversation(at, wish)).await),
            _ => Box::pin(self.life(at, wish)).await,
        };
        self.judge(wish, what, came).await;
    }

    /// A run that something can be done with, mostly.
    fn pick(&self, wish: Wish) -> usize {
        let runs = &self.plain.runs;
        let at = usize::from(wish.run) % runs.len();
        let is_fit = |one: &usize| {
            let run = &runs[*one];
            match wish.kind % 32 {
                4..=10 => !run.passive && !run.archived,
                11 | 12 => run.is_active(),
                16 | 17 => run.open() > 0 && !run.archived,
                18 | 19 | 24 | 25 => run.can_remake(),
                21 => !run.messages.is_empty(),
                22 | 23 => run.ceiling.is_some(),
                26 => run.passive,
                _ => true,
            }
        };
        let fit = (at..runs.len()).chain(0..at).find(is_fit);
        fit.filter(|_| !wish.b.is_multiple_of(8)).unwrap_or(at)
    }

    async fn judge(&mut self, wish: Wish, what: &'static str, (expected, answer): Came) {
        let runs = &self.plain.runs;
        assert_eq!(answer.is_ok(), expected, "{what} {wish:?}: {answer:?}\n{runs:#?}");
        let seen = self.seen.entry(what).or_default();
        if expected {
            seen.0 += 1;
        } else {
            seen.1 += 1;
        }
        Box::pin(self.compare(what, wish)).await;
    }

    /// Nothing stays at work.
    async fn finish(&mut self) {
        for at in 0..self.plain.runs.len() {
            if self.plain.runs[at].is_active() {
                let (expected, answer) = self.abort(at).await;
                assert_eq!(answer.is_ok(), expected, "{answer:?}");
            }
        }
        let last = Wish { kind: 0, run: 0, a: 0, b: 0 };
        self.compare("the end", last).await;
    }
}

fn carry_out(wishes: Vec<(u8, u8, u8, u8)>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut model = Model::new();
        for (kind, run, a, b) in wishes {
            model.carry_out(Wish { kind, run, a, b }).await;
        }
        model.finish().await;
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn operations_do_what_a_plain_model_says(
        wishes in vec((any::<u8>(), any::<u8>(), any::<u8>(), any::<u8>()), 30..70),
    ) {
        let carried_out = std::thread::Builder::new().stack_size(STACK).spawn(move || carry_out(wishes));
        // What went wrong there has gone wrong here.
        if let Err(why) = carried_out.unwrap().join() {
            std::panic::resume_unwind(why);
        }
    }
}

/// A number for each question.
struct Lot(u64);

impl Lot {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)).to_le_bytes()[0]
    }
}

/// What was done and what was refused, how often.
type Seen = BTreeMap<&'static str, (u32, u32)>;

fn drawn(seed: u64) -> Seen {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut lot = Lot(seed);
    let mut seen = Seen::new();
    for _ in 0..4 {
        let mut model = Model::new();
        runtime.block_on(async {
            for _ in 0..45 {
                let [kind, run, a, b] = [lot.byte(), lot.byte(), lot.byte(), lot.byte()];
                model.carry_out(Wish { kind, run, a, b }).await;
            }
            model.finish().await;
        });
        add(&mut seen, model.seen);
    }
    seen
}

fn add(seen: &mut Seen, more: Seen) {
    for (what, (done, refused)) in more {
        let all = seen.entry(what).or_default();
        *all = (all.0 + done, all.1 + refused);
    }
}

/// A model that agrees with everything is worth nothing if nothing ever happens.
#[test]
fn what_is_drawn_is_done_and_refused() {
    let mut seen = Seen::new();
    std::thread::scope(|scope| {
        let drawing = [11, 22, 33, 44].map(|seed| {
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, move || drawn(seed)).unwrap()
        });
        for one in drawing {
            add(&mut seen, one.join().unwrap());
        }
    });
    // The last two are refused while a worker is at it.
    let never_refused = ["name", "note", "pin", "recover", "recover and resume", "archive", "unarchive"];
    for (what, (done, refused)) in &seen {
        let is_refused = *refused > 0 || never_refused.contains(what);
        assert!(*done > 0 && is_refused, "{what}: {done} times done, {refused} times refused: {seen:?}");
    }
    for what in [
        "a driver died",
        "a worker reported",
        "a worker crashed",
        "an abort",
        "a ceiling was reached",
        "a parent heard",
        "a share was given",
        "words waited",
    ] {
        assert!(seen.contains_key(what), "{what}: {seen:?}");
    }
}
