//! Crash tests: whoever takes part in a run is killed, at every point there is and at moments drawn by lot. What was
//! acknowledged is there, the history is whole, nobody is held up, and the run goes on to a good end.

mod agent_moments;
mod checks;
mod command_points;
mod dice;
mod driver_moments;
mod driver_points;
mod follower;
mod front_moments;
mod generations;
mod leftovers;
mod notices;
mod person;
mod prepared_points;
mod scene;
mod table;
mod task_points;
mod trace;
mod victims;
mod worker_points;

pub use dice::{Dice, play};
pub use scene::at;
pub use trace::FAILPOINT;
pub use victims::{driver_of, family, kill, victim_at};
