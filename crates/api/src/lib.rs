//! The operations, views and errors that every front door speaks. Must not contain transports, disk access or
//! decisions about runs.
#![deny(missing_docs)]

mod error;
pub mod hook;
mod operation;
pub mod operations;
pub mod view;

pub use error::{ApiError, ErrorCode};
pub use operation::{Handle, Method, Operation, OperationInfo, OperationVisitor, Service, visit_operations};
