//! Runs that a policy does not keep, and what else only takes room.

mod clearing;
mod collecting;
mod deleting;
mod picture;
