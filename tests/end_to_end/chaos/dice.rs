//! Lots: how many rounds are played, and what each draws. A round that fails says how to play it again.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Rounds of each test that draws lots.
const ROUNDS: &str = "AGENT_RUNNER_CHAOS_ROUNDS";
/// The seed of the first round; each round has the next one.
const SEED: &str = "AGENT_RUNNER_CHAOS_SEED";
/// Rounds of an ordinary test run.
const FEW: u32 = 3;

/// Numbers without a pattern, the same for the same seed.
pub struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// A moment within a time.
    pub fn moment(&mut self, within: Duration) -> Duration {
        let micros = u64::try_from(within.as_micros()).unwrap().max(1);
        Duration::from_micros(self.next() % micros)
    }
}

/// Says, when a round fails, which one it was.
struct Round(u64);

impl Drop for Round {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to play this round again: {SEED}={} {ROUNDS}=1", self.0);
        }
    }
}

/// Plays rounds, each with dice of its own.
pub fn play(round: impl Fn(&mut Dice)) {
    play_rounds(FEW, round);
}

/// Plays so many rounds unless told otherwise.
pub fn play_rounds(ordinarily: u32, round: impl Fn(&mut Dice)) {
    let number = |name: &str| -> Option<u64> {
        let text = std::env::var(name).ok()?;
        Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
    };
    let first = number(SEED).unwrap_or_else(|| RandomState::new().hash_one(0) >> 32);
    for seed in first..first + number(ROUNDS).unwrap_or(ordinarily.into()) {
        let told = Round(seed);
        round(&mut Dice(seed));
        drop(told);
    }
}

#[test]
fn chaos_dice_fall_the_same_way_for_the_same_seed() {
    let thrown = |seed: u64| -> Vec<usize> {
        let mut dice = Dice(seed);
        (0..50).map(|_| dice.below(6)).collect()
    };
    assert_eq!(thrown(7), thrown(7));
    assert_ne!(thrown(7), thrown(8));
    assert!((0..6).all(|face| thrown(7).contains(&face)), "{:?}", thrown(7));
}
