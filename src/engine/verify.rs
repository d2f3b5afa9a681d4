//! Verifies evidence: every source is hashed again and compared with what was read.

use crate::control::{Control, RunError};
use crate::domain::{Ledger, SourceStatus};
use crate::files::SourcePath;
use crate::ingest::{ReadError, sha256_of};

/// What became of a source since it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The same bytes.
    Same,
    /// Other bytes: their hash.
    Changed(String),
    /// It cannot be read, and why.
    Away(String),
    /// There is nothing to compare with: it had no hash of its own.
    Unknown,
}

/// Hashes every source again, in the order of the ledger.
///
/// # Errors
/// When the job is cancelled.
pub fn verify(sources: &[Ledger], control: &Control) -> Result<Vec<Verdict>, RunError> {
    let mut verdicts = Vec::with_capacity(sources.len());
    for (at, source) in sources.iter().enumerate() {
        control.check()?;
        control.progress("verifying", &source.source_file, at as u64, Some(sources.len() as u64), "sources");
        verdicts.push(if source.sha256.is_empty() || source.status == SourceStatus::NotEvidence {
            Verdict::Unknown
        } else {
            match SourcePath::parse(&source.path).map_err(ReadError::Archive).and_then(|path| sha256_of(&path, control)) {
                Ok(hash) if hash == source.sha256 => Verdict::Same,
                Ok(hash) => Verdict::Changed(hash),
                Err(ReadError::Cancelled) => return Err(RunError::Cancelled),
                Err(why) => Verdict::Away(why.to_string()),
            }
        });
    }
    Ok(verdicts)
}

/// A verdict in a line; `None` when nothing is wrong.
#[must_use]
pub fn verdict_line(source: &Ledger, verdict: &Verdict) -> Option<String> {
    match verdict {
        Verdict::Same | Verdict::Unknown => None,
        Verdict::Changed(hash) => Some(format!("has changed since it was read (SHA-256 was {}, is {hash}): {}", source.sha256, source.path)),
        Verdict::Away(why) => Some(format!("cannot be verified ({why}): {}", source.path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn what_changed_or_went_away_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, "abc").unwrap();
        let row = |hash: &str, path: &Path| Ledger { source_file: "x/a".into(), path: path.display().to_string(), sha256: hash.into(), ..Ledger::default() };
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let rows = [row(abc, &path), row(&"0".repeat(64), &path), row(abc, &folder.path().join("gone")), row("", &path)];
        let verdicts = verify(&rows, &Control::silent()).unwrap();
        assert_eq!(verdicts[..2], [Verdict::Same, Verdict::Changed(abc.into())]);
        assert!(matches!(verdicts[2], Verdict::Away(_)) && verdicts[3] == Verdict::Unknown);
        let told: Vec<bool> = rows.iter().zip(&verdicts).map(|(row, v)| verdict_line(row, v).is_some()).collect();
        assert_eq!(told, [false, true, true, false]);
    }
}
