//! What the analyst called ordinary in this case: one list of rules, each change of it in the audit trail.

use super::annotate::now;
use super::{Case, fault};
use crate::control::RunError;
use crate::domain::Rule;
use rusqlite::params;

const KEY: &str = "ordinary";

impl Case {
    /// The rules, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn rules(&self) -> Result<Vec<Rule>, RunError> {
        let Some(text) = self.setting(KEY) else { return Ok(Vec::new()) };
        serde_json::from_str(&text).map_err(|e| fault("what was called ordinary cannot be read from the case", &e, self.dir()))
    }

    /// Replaces the rules; before and after go into the audit trail with them, in one step.
    ///
    /// # Errors
    /// When it cannot be committed; then nothing has changed.
    pub fn set_rules(&self, rules: &[Rule]) -> Result<(), RunError> {
        let before = self.rules()?;
        let text = serde_json::to_string(rules).map_err(anyhow::Error::from)?;
        let said = serde_json::json!({ "before": before, "after": rules });
        let analyst = self.analyst();
        self.with_db("what was called ordinary could not be saved (is the disk full?)", |db| {
            let action = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            action.execute("INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2", [KEY, &text])?;
            action.execute("INSERT INTO audit (at, analyst, action, changes) VALUES (?1, ?2, 'ordinary', ?3)", params![now(), analyst, said.to_string()])?;
            action.commit()
        })
    }
}
