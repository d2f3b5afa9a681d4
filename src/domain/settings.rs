//! Every setting of every detector, with its default. `residue config` prints them, commented.

use serde::{Deserialize, Serialize};

/// Settings of all detectors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Event fields.
    pub fields: FieldsSettings,
    /// Process groups.
    pub groups: GroupsSettings,
    /// Process chains.
    pub chains: ChainsSettings,
    /// Process behaviour.
    pub process: ProcessSettings,
    /// Timeline.
    pub timeline: TimelineSettings,
}

/// Settings of the event-field detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldsSettings {
    /// Whether a process lends its events part of its most unusual event's excess.
    pub context: bool,
    /// Code size of the linear autoencoder (`recommended`).
    pub code: usize,
    /// Most training epochs.
    pub epochs: usize,
    /// Epochs without a better validation loss before training stops.
    pub patience: usize,
    /// Share of unique events kept for validation.
    pub validation: f64,
    /// Restarts averaged by the `published` preset.
    pub restarts: usize,
    /// Weight of the case's own events beside a baseline.
    pub own_weight: f64,
    /// Apply the `published` encoding to every channel, not to Task Scheduler alone.
    pub published_all_channels: bool,
    /// The `published` preset's variant over sequences of events, none collapsed.
    pub sequence: bool,
}

impl Default for FieldsSettings {
    fn default() -> Self {
        Self {
            context: true,
            code: 4,
            epochs: 200,
            patience: 10,
            validation: 0.1,
            restarts: 3,
            own_weight: 0.25,
            published_all_channels: false,
            sequence: false,
        }
    }
}

/// Settings of the process-group detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GroupsSettings {
    /// Window length in seconds: 60, 300, 900, 3600 or 86400.
    pub window_seconds: u64,
    /// Hash buckets (`published`: always 16).
    pub buckets: usize,
    /// Entity is host + user instead of host.
    pub by_user: bool,
    /// Only images under the Windows directory (`published`: on).
    pub windows_only: bool,
}

impl Default for GroupsSettings {
    fn default() -> Self {
        Self { window_seconds: 60, buckets: 64, by_user: false, windows_only: false }
    }
}

/// Settings of the process-chain detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChainsSettings {
    /// Chain length, 2..=6.
    pub length: usize,
    /// Weight of the case's own chains beside a baseline.
    pub own_weight: f64,
    /// Regular expressions that merge words of paths (`published`), in place of the generated ones; empty = generated.
    pub expressions: Vec<String>,
}

impl Default for ChainsSettings {
    fn default() -> Self {
        Self { length: 4, own_weight: 0.25, expressions: vec![] }
    }
}

/// Settings of the process-behaviour detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessSettings {
    /// Sequence length.
    pub steps: usize,
    /// Fewest events of a process that is scored.
    pub min_events: usize,
    /// Network: `recommended`, `linear` (its linear term alone), or a published one (`simplest`, `dd`, `deep`, `deeper`, `conv_rnn`, `conv_birnn`);
    /// empty = the preset's own (`recommended`; `published`: `conv_rnn`).
    pub network: String,
    /// Whether image names, their directories and parents' names are looked at: they may give the answer away.
    pub names: bool,
    /// Most training epochs.
    pub epochs: usize,
    /// Epochs without a better validation loss before training stops.
    pub patience: usize,
    /// Parts that labelled processes are held out in: groups are gathered into this many at most.
    pub folds: usize,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self { steps: 128, min_events: 4, network: String::new(), names: true, epochs: 40, patience: 8, folds: 15 }
    }
}

/// Settings of the timeline detector.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimelineSettings {
    /// Rows with an inode below this are left out (`published`).
    pub min_inode: u64,
    /// Inode of the change journal, whose rows are left out (`published`); 0 = the one that a row calls `$UsnJrnl`.
    pub journal_inode: u64,
    /// Window of previous rows (`published`).
    pub window: usize,
    /// Units of the sequence network's widest layers (`published`); 248 = 1,475,152 parameters.
    pub units: usize,
    /// Most windows learned from on the CPU, spread evenly over the rows (`published`).
    pub windows: usize,
    /// The distance from the mean flags instead of the sequence network (`published`).
    pub closed_form: bool,
}

impl Default for TimelineSettings {
    fn default() -> Self {
        Self { min_inode: 100, journal_inode: 0, window: 50, units: 248, windows: 20_000, closed_form: false }
    }
}
