//! The store as its users see it: what is acknowledged stays, whoever is killed and whatever fills the disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests end by panicking")]

mod adoption;
mod archives;
mod blobs;
mod buckets;
mod changes;
mod children;
mod creation;
mod deletion;
mod full_disk;
mod index;
mod kills;
mod logs;
mod manifests;
mod owners;
mod property;
mod queries;
mod races;
mod support;
mod workspaces;
