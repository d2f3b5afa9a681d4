//! The case folder: events in Parquet, annotations and ledger in SQLite, runs.
