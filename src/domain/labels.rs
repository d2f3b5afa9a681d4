//! What an analyst says of processes, and how well a classifier learned it.

use crate::domain::Guid;
use serde::{Deserialize, Serialize};

/// What an analyst says of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing against it.
    Benign,
    /// Part of an attack.
    Malicious,
}

impl Verdict {
    /// Reads the words in use: `malicious`, `attack`; `benign`, `ordinary`. Anything else (`ambiguous`) is no verdict.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "malicious" | "attack" | "bad" | "1" | "true" => Some(Self::Malicious),
            "benign" | "ordinary" | "good" | "0" | "false" => Some(Self::Benign),
            _ => None,
        }
    }

    /// In a word, as label files have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Benign => "benign",
            Self::Malicious => "malicious",
        }
    }
}

/// A process by GUID, or by process ID and start, and what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessLabel {
    /// Compared without case; empty = any.
    pub computer: String,
    /// Where it is known it decides.
    pub guid: Option<Guid>,
    /// Process ID.
    pub pid: Option<u32>,
    /// Nanoseconds UTC.
    pub start: Option<i64>,
    /// What is said of it.
    pub verdict: Verdict,
    /// The attack, data set or recording it belongs to; processes of one group are never split between training and test.
    pub group: Option<String>,
}

/// Hits and misses of a classifier on processes it was not trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct Figures {
    pub true_positives: u64,
    pub false_positives: u64,
    pub true_negatives: u64,
    pub false_negatives: u64,
    pub precision: Option<f64>,
    pub recall: Option<f64>,
    pub roc_auc: Option<f64>,
    pub average_precision: Option<f64>,
}

/// How well a classifier learned the labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct Validation {
    pub network: String,
    pub labelled: u64,
    pub malicious: u64,
    pub groups: u64,
    pub folds: u64,
    /// Whole groups held out.
    pub grouped: Option<Figures>,
    /// The same number of processes held out at random: what a process shares with its neighbours helps, so this flatters.
    pub random: Option<Figures>,
    /// Weight of a malicious process beside a benign one of 1.
    pub class_weight: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_in_the_words_in_use() {
        assert_eq!(
            ["attack", " Malicious", "BENIGN", "ambiguous", "artifact", ""].map(Verdict::parse),
            [Some(Verdict::Malicious), Some(Verdict::Malicious), Some(Verdict::Benign), None, None, None]
        );
        assert_eq!(Verdict::parse(Verdict::Malicious.name()), Some(Verdict::Malicious));
    }
}
