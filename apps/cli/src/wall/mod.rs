//! The clock on the reader's wall: what time it is, and how times are told where the reader is. Must not read the
//! environment; what it needs of it is handed in.

mod clock;
mod posix;
mod tzif;
mod zone;

#[cfg(test)]
mod tests;

pub(crate) use clock::Wall;
pub(crate) use zone::Zone;
