//! The case folder: events in Parquet, annotations and ledger in SQLite, runs.

/// An open case; clones share it.
#[derive(Clone)]
pub struct Case {}
