//! Runs of the TypeScript agent-runner become runs here, with all that is in them.

mod broken;
mod fields;
mod going_on;
mod identity;
mod in_place;
mod moving;
mod odd_files;
mod original;
