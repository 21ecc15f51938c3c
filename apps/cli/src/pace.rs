//! How often things are done: pictures are drawn and events are taken no faster than a person can look. Must not know
//! what is drawn or taken.

use std::time::Duration;

use tokio::time::Instant;

/// Time between two pictures while much happens.
const FRAME: Duration = Duration::from_millis(80);
/// Time between two pictures while nothing happens: clocks go on.
const TICK: Duration = Duration::from_secs(1);
/// Events that are taken in a [`PERIOD`]. Far more than an agent produces, and far less than a flood.
const EVENTS: u32 = 200;
/// See [`EVENTS`].
const PERIOD: Duration = Duration::from_millis(100);

/// Waits until then; without a time, for ever.
pub(crate) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time).await,
        None => std::future::pending().await,
    }
}

/// Says when to draw.
#[derive(Debug)]
pub(crate) struct Frames {
    drawn: Option<Instant>,
    tick: Instant,
    changed: bool,
}

impl Frames {
    pub(crate) fn new() -> Self {
        Self { drawn: None, tick: Instant::now(), changed: false }
    }

    /// There is something new to draw.
    pub(crate) fn changed(&mut self) {
        self.changed = true;
    }

    /// Waits until it is time to draw. Can be dropped and waited for again.
    pub(crate) async fn due(&self) {
        let next = match (self.changed, self.drawn) {
            (true, None) => return,
            (true, Some(drawn)) => self.tick.min(drawn + FRAME),
            (false, _) => self.tick,
        };
        tokio::time::sleep_until(next).await;
    }

    /// Something was drawn.
    pub(crate) fn drew(&mut self) {
        let now = Instant::now();
        self.drawn = Some(now);
        self.changed = false;
        // Clocks tick on their own beat: a second that is skipped now and then looks like a mistake.
        while self.tick <= now {
            self.tick = if now - self.tick > TICK { now + TICK } else { self.tick + TICK };
        }
    }
}

/// Says when to take an event.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u32,
    renewed: Option<Instant>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: EVENTS, renewed: None }
    }
}

impl Budget {
    /// Waits until an event may be taken. Can be dropped and waited for again.
    pub(crate) async fn available(&mut self) {
        let now = Instant::now();
        let renewed = *self.renewed.get_or_insert(now);
        if self.left == 0 {
            tokio::time::sleep_until(renewed + PERIOD).await;
        }
        if Instant::now() >= renewed + PERIOD {
            *self = Self { left: EVENTS, renewed: Some(Instant::now()) };
        }
    }

    /// An event was taken.
    pub(crate) fn spend(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    //! With a clock that stands still unless it is waited for.

    use super::{Budget, EVENTS, FRAME, Frames, PERIOD, TICK};
    use std::time::Duration;
    use tokio::time::Instant;

    /// Draws whenever it is due, with something new all the time; when the pictures were drawn.
    async fn drawn_in(span: Duration, always_new: bool) -> Vec<Duration> {
        let start = Instant::now();
        let mut frames = Frames::new();
        frames.changed();
        let mut drawn = Vec::new();
        loop {
            frames.due().await;
            if start.elapsed() >= span {
                return drawn;
            }
            drawn.push(start.elapsed());
            frames.drew();
            if always_new {
                frames.changed();
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_drawn_at_most_so_often() {
        let drawn = drawn_in(Duration::from_secs(10), true).await;
        assert!((100..=150).contains(&drawn.len()), "{} pictures in 10 s", drawn.len());
        assert_eq!(drawn[0], Duration::ZERO, "what is new is shown at once");
        for pair in drawn.windows(2) {
            assert!(pair[1] - pair[0] <= FRAME + Duration::from_millis(1), "{pair:?}");
        }
        let close = drawn.windows(2).filter(|pair| pair[1] - pair[0] < FRAME).count();
        assert!(close <= 10, "only a tick may come sooner: {close}");
    }

    #[tokio::test(start_paused = true)]
    async fn clocks_go_on_while_nothing_happens() {
        let drawn = drawn_in(Duration::from_secs(60), false).await;
        assert!((59..=61).contains(&drawn.len()), "{drawn:?}");
        for pair in drawn[1..].windows(2) {
            let gap = pair[1] - pair[0];
            assert!(
                gap >= TICK - Duration::from_millis(2) && gap <= TICK + Duration::from_millis(2),
                "{pair:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn something_new_after_a_silence_is_shown_at_once() {
        let mut frames = Frames::new();
        frames.changed();
        frames.due().await;
        frames.drew();
        tokio::time::advance(Duration::from_millis(500)).await;
        let asked = Instant::now();
        frames.changed();
        frames.due().await;
        assert_eq!(asked.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_events_are_taken_than_can_be_shown() {
        let start = Instant::now();
        let mut budget = Budget::default();
        for _ in 0..10 * EVENTS {
            budget.available().await;
            budget.spend();
        }
        assert!(start.elapsed() >= PERIOD * 9, "{:?}", start.elapsed());
        assert!(start.elapsed() <= PERIOD * 10, "{:?}", start.elapsed());
    }
}
