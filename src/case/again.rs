//! Forgets what was read of a file, so that it can be read otherwise.

use super::Case;
use super::annotate::now;
use super::store::held;
use crate::control::RunError;
use rusqlite::{TransactionBehavior, params};

impl Case {
    /// Forgets what was read of the file at `path` (a ledger's `path`) and the rankings, which were made with it; whether there was anything. What
    /// was said of events stays. The file with the events goes when the case is opened again: somebody may be reading it.
    ///
    /// # Errors
    /// When the database cannot be written; then nothing is forgotten.
    pub fn forget_source(&self, path: &str) -> Result<bool, RunError> {
        let analyst = self.analyst();
        let mut sources = held(self.kept_sources());
        let gone: Vec<(String, String)> = sources.rows.iter().filter(|(_, (ledger, _))| ledger.path == path).map(|(key, _)| key.clone()).collect();
        if gone.is_empty() {
            return Ok(false);
        }
        self.with_db("cannot forget a source", |db| {
            let action = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (source_file, sha256) in &gone {
                action.execute("DELETE FROM sources WHERE source_file = ?1 AND sha256 = ?2", params![source_file, sha256])?;
                let said = serde_json::json!({ "source_file": source_file, "sha256": sha256, "forgotten": "to be read otherwise" });
                action.execute("INSERT INTO audit (at, analyst, action, changes) VALUES (?1, ?2, 'source', ?3)", params![now(), analyst, said.to_string()])?;
            }
            action.execute("DELETE FROM runs", [])?;
            action.commit()
        })?;
        for key in gone {
            sources.rows.remove(&key);
        }
        sources.view = None;
        Ok(true)
    }
}
