//! What comes out: subjects with their scores, and the report that every detector shares.

use crate::domain::{DetectorId, EventKey, Figures, Preset, RankBy, Validation, Words};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// One part of a subject's score: a field, a step, a process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// What contributed, in the field's own name (`ParentImage`) or in words (`process context`).
    pub name: String,
    /// Its share of the score, 0..=1 (negative for a part that lowers it).
    pub share: f64,
    /// What was seen.
    pub observed: String,
    /// What was expected, with probabilities (`services.exe 96 %, explorer.exe 3 %`).
    pub expected: String,
}

impl Contribution {
    /// A part that some events of a sequence have in a score, counted from 1; its name says which they are.
    #[must_use]
    pub fn of_events(events: RangeInclusive<usize>, what: &str, share: f64, observed: String) -> Self {
        let (first, last) = (events.start(), events.end());
        let name = if first == last { format!("event {first}: {what}") } else { format!("events {first} to {last}: {what}") };
        Self { name, share, observed, expected: String::new() }
    }

    /// Which events of a sequence the part is of, told by its name.
    #[must_use]
    pub fn events(&self) -> Option<RangeInclusive<usize>> {
        let (place, _) = self.name.split_once(':')?;
        if let Some(one) = place.strip_prefix("event ") {
            return one.parse().ok().map(|at| at..=at);
        }
        let (first, last) = place.strip_prefix("events ")?.split_once(" to ")?;
        Some(first.parse().ok()?..=last.parse().ok()?)
    }

    /// The reason in words: `ParentImage: saw winword.exe, expected services.exe 96 %`.
    #[must_use]
    pub fn reason(&self) -> String {
        match (self.observed.is_empty(), self.expected.is_empty()) {
            (true, true) => self.name.clone(),
            (false, true) => format!("{}: {}", self.name, self.observed),
            (true, false) => format!("{}: expected {}", self.name, self.expected),
            (false, false) => format!("{}: saw {}, expected {}", self.name, self.observed, self.expected),
        }
    }
}

/// What a detector scored. The engine fills `rank`, `percentile`, `above` and `reasons`.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    /// The event that stands for it: the first member.
    pub key: EventKey,
    /// What it is, in one line (the first member's message, unless the detector says better).
    pub title: Arc<str>,
    /// What kind of subject, and which (`unique event`, `chain`, ...): the CSV's `subject` column.
    pub subject: Arc<str>,
    /// Events it stands for.
    pub count: u64,
    /// Nanoseconds UTC.
    pub first_seen: Option<i64>,
    /// Nanoseconds UTC.
    pub last_seen: Option<i64>,
    /// Computer of the first member.
    pub computer: Option<Arc<str>>,
    /// User of the first member.
    pub user: Option<Arc<str>>,
    /// Channel of the first member.
    pub channel: Option<Arc<str>>,
    /// Provider of the first member.
    pub provider: Option<Arc<str>>,
    /// Event ID of the first member.
    pub event_id: Option<u32>,
    /// `EventRecordID` of the first member.
    pub record_id: Option<u64>,
    /// Image of the first member.
    pub image: Option<Arc<str>>,
    /// Command line of the first member.
    pub command_line: Option<Arc<str>>,
    /// Learned part of the recommended score.
    pub learned: Option<f64>,
    /// Part of the recommended score that vanishes with empty knowledge tables.
    pub prior: Option<f64>,
    /// Reconstruction loss, where an autoencoder was trained.
    pub loss: Option<f64>,
    /// Sum of -log2 frequencies.
    pub rarity: Option<f64>,
    /// What ranks: the value of *rank by*.
    pub score: f64,
    /// From 1.
    pub rank: u64,
    /// Share of subjects with a lower score x 100.
    pub percentile: f64,
    /// The three largest contributions, in words.
    pub reasons: [Arc<str>; 3],
    /// All members, in time order.
    pub members: Box<[EventKey]>,
}

impl Subject {
    /// The value of *rank by*, the one place that says so: `recommended` is learned + prior, in the `published` preset the loss. None where the subject
    /// has no such value: then it takes no part in that ranking.
    #[must_use]
    pub fn value(&self, by: RankBy, preset: Preset) -> Option<f64> {
        match (by, preset) {
            (RankBy::Loss, _) | (RankBy::Recommended, Preset::Published) => self.loss,
            (RankBy::Rarity, _) => self.rarity,
            (RankBy::Recommended, Preset::Recommended) => match (self.learned, self.prior) {
                (None, None) => None,
                (learned, prior) => Some(learned.unwrap_or(0.0) + prior.unwrap_or(0.0)),
            },
        }
    }
}

/// Tells why a subject scored as it did.
pub trait Explain: Send + Sync {
    /// Every contribution of the subject at `index` of [`Detection::subjects`], largest first.
    fn explain(&self, index: usize) -> Vec<Contribution>;
    /// The same as a JSON array, where it is kept as one.
    fn json(&self, index: usize) -> Option<String> {
        let _ = index;
        None
    }
    /// The words that were learned, where words were, and while the network that learned them is at hand.
    fn words(&self) -> Option<Arc<Words>> {
        None
    }
}

/// What a detector hands to the engine: subjects in any fixed order, unranked.
pub struct Detection {
    /// Scored subjects; `learned`, `prior`, `loss`, `rarity` filled as far as they exist.
    pub subjects: Vec<Subject>,
    /// Explains them by index.
    pub explain: Arc<dyn Explain>,
    /// Identifies the model: hex of its configuration, vocabulary and weights; empty when none was trained.
    pub model_id: String,
    /// Rarity first, then the final one.
    pub stage: Stage,
    /// Words for the analyst: ignored fields, rules applied.
    pub remarks: Vec<String>,
    /// Held-out scores of a classifier, where one was trained.
    pub trials: Option<Trials>,
}

/// Scores of labelled processes by classifiers that were not trained on them, and whether each is malicious.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trials {
    /// Which network.
    pub network: String,
    /// Labelled processes of the case.
    pub labelled: u64,
    /// Malicious ones among them.
    pub malicious: u64,
    /// Groups they fall into.
    pub groups: u64,
    /// Parts held out in turn.
    pub folds: u64,
    /// Whole groups held out: log-odds.
    pub grouped: Vec<(f64, bool)>,
    /// Held out at random: log-odds.
    pub random: Vec<(f64, bool)>,
    /// Weight of a malicious process beside a benign one of 1.
    pub class_weight: f64,
}

/// Which ranking this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Counting only; the network is still being trained.
    First,
    /// Nothing more to come.
    Final,
}

/// One epoch of training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// From 1.
    pub epoch: u32,
    /// Training loss.
    #[serde(deserialize_with = "number")]
    pub train: f64,
    /// Validation loss.
    pub validation: Option<f64>,
    /// A classifier's hits and misses on the validation rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
}

/// JSON has no NaN: what is none is written as null.
fn number<'de, D: serde::Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Option::<f64>::deserialize(from).map(|number| number.unwrap_or(f64::NAN))
}

/// One detector's result, ranked: the one type that is shown, stored and exported.
#[derive(Clone, Debug)]
pub struct Report {
    /// Which method.
    pub detector: DetectorId,
    /// Which version of it.
    pub preset: Preset,
    /// What ranks.
    pub rank_by: RankBy,
    /// Which ranking this is.
    pub stage: Stage,
    /// The threshold's value, in units of *rank by*.
    pub threshold: f64,
    /// Identifies the model.
    pub model_id: String,
    /// Which device trained, and why.
    pub device: String,
    /// Training, epoch by epoch.
    pub curve: Vec<CurvePoint>,
    /// Words for the analyst.
    pub remarks: Vec<String>,
    /// How well a classifier learned the analyst's labels, where one was trained.
    pub validation: Option<Validation>,
    /// In rank order.
    pub subjects: Vec<Subject>,
    /// The case's run that holds this report with every contribution; empty before it is stored.
    pub run: String,
}

/// What was run on what, written beside rankings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct Manifest {
    pub residue: String,
    pub seed: u64,
    pub preset: Preset,
    pub rank_by: RankBy,
    pub prior: bool,
    pub device: String,
    pub settings: crate::domain::Settings,
    /// Which events took part; times in nanoseconds UTC.
    pub scope: crate::domain::Scope,
    /// Events before this time were learned from and not scored.
    pub known_good_before: Option<i64>,
    pub sources: Vec<ManifestSource>,
    pub baseline: Vec<ManifestSource>,
    pub detectors: Vec<ManifestDetector>,
    /// Leads made of the rankings; none where nothing was ranked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leads: Option<ManifestLeads>,
    /// What was called ordinary and taken out, rule by rule; empty without rules.
    pub suppression: Vec<ManifestRule>,
    pub notices: Vec<String>,
    pub csv_neutralised: bool,
    /// The only part that may differ between equal runs.
    pub run: RunFacts,
}

/// One source of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct ManifestSource {
    pub source_file: String,
    pub sha256: String,
    pub format: String,
    pub events: u64,
}

/// The leads' part of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct ManifestLeads {
    pub leads: u64,
    /// Those in the files; the rest has lower scores.
    pub written: u64,
    pub strong: u64,
    pub worth_a_look: u64,
    /// How much each detector counted, and why.
    pub weights: Vec<crate::domain::Weight>,
}

/// One detector's part of a manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct ManifestDetector {
    pub detector: DetectorId,
    pub subjects: u64,
    /// Taken out by rules; not among `subjects`.
    pub suppressed: u64,
    pub threshold: f64,
    pub above: u64,
    pub model_id: String,
    pub epochs: u32,
    pub remarks: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation: Option<Validation>,
}

/// One rule of a manifest with the number of subjects it took out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct ManifestRule {
    #[serde(flatten)]
    pub rule: crate::domain::Rule,
    pub subjects: u64,
}

/// Facts of one run on one machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
#[expect(missing_docs, reason = "the names are the file's keys")]
pub struct RunFacts {
    pub started: String,
    pub wall: f64,
    pub wall_ingest: f64,
    pub wall_first_ranking: Option<f64>,
    pub peak_rss: u64,
    pub threads: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_says_of_which_events_it_is() {
        let part = |events| Contribution::of_events(events, "cmd.exe: started", 0.5, String::new());
        assert_eq!((part(3..=3).name.as_str(), part(3..=3).events()), ("event 3: cmd.exe: started", Some(3..=3)));
        assert_eq!((part(3..=9).name.as_str(), part(3..=9).events()), ("events 3 to 9: cmd.exe: started", Some(3..=9)));
        for name in ["Image", "event type: x", "events 3 of 9: x", "event 3"] {
            assert_eq!(Contribution { name: name.into(), ..part(1..=1) }.events(), None, "{name}");
        }
    }
}
