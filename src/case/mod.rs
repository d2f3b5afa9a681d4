//! The case folder: events (Parquet), ledger and annotations (SQLite), runs, and the search grammar.
//!
//! ```text
//! NAME.residue/
//!   case.sqlite            sources with their ledger, annotations, settings, runs, audit trail
//!   case.lock              held while the case is open
//!   events/*.parquet       one file per source, named by the first 16 digits of its SHA-256
//!   runs/ID/               one ranking with every contribution
//! ```
//! Everything appears under its final name whole or not at all; [`Case::open`] removes what a killed run left behind.
//! Border: alone speaks SQLite; knows nothing of formats, detectors or front ends.

mod again;
mod annotate;
mod annotations;
mod audit;
mod builder;
mod columns;
mod contents;
mod contributions;
mod convert;
mod database;
mod duplicates;
pub mod events;
mod folder;
mod layout;
mod lock;
mod names;
mod neighbours;
mod reader;
mod rows;
mod rules;
mod run;
mod run_columns;
mod scratch;
pub mod search;
mod sink;
mod snapshot;
mod store;
mod table;

pub use annotations::{Annotation, Annotations, Change, Target, Unit};
pub use audit::AuditLine;
pub use contributions::{Contributions, ContributionsWriter};
pub use names::RunId;
pub use rows::write_rows;
pub use run::RunInfo;
pub use scratch::Leftover;
pub use snapshot::Snapshot;
pub use store::Case;

use crate::control::RunError;
use std::fmt::Display;
use std::path::Path;

/// Ending of files and folders that are not whole yet.
const TEMPORARY: &str = ".tmp";

/// An error in words: what, why, and where.
fn fault(what: &str, why: &dyn Display, path: &Path) -> RunError {
    RunError::failed(format!("{what}: {why}: {}", path.display()))
}
