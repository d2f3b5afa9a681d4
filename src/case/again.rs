//! A source that is read otherwise: what was read of it before stays until the new reading is whole, and goes with the rankings made with it.

use super::Case;
use super::annotate::now;
use super::store::{SourceId, held};
use rusqlite::{Connection, params};

impl Case {
    /// Lets the next reading of the file at `path` (a ledger's `path`) take the place of what was read of it; whether there is anything. Rankings go
    /// then, since they were made with it; what was said of events stays. The old file goes when the case is opened again: somebody may be reading it.
    #[must_use]
    pub fn read_otherwise(&self, path: &str) -> bool {
        let mut sources = held(self.kept_sources());
        let known: Vec<SourceId> = sources.rows.iter().filter(|(_, (ledger, _))| ledger.path == path).map(|(key, _)| key.clone()).collect();
        let any = !known.is_empty();
        sources.otherwise.extend(known);
        any
    }
}

/// Takes the rankings away that were made with a source, and tells the audit trail.
pub(super) fn void_rankings(db: &Connection, (source_file, sha256): &SourceId, analyst: &str) -> rusqlite::Result<()> {
    db.execute("DELETE FROM runs", [])?;
    let said = serde_json::json!({ "source_file": source_file, "sha256": sha256, "read": "otherwise" });
    db.execute("INSERT INTO audit (at, analyst, action, changes) VALUES (?1, ?2, 'source', ?3)", params![now(), analyst, said.to_string()]).map(|_| ())
}
