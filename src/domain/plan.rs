//! What is to be done: the plan that front ends make and the engine runs.

use crate::domain::{ProcessLabel, Settings};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// One of the five methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DetectorId {
    /// Process groups.
    Groups,
    /// Process chains.
    Chains,
    /// Event fields.
    Fields,
    /// Process behaviour.
    Process,
    /// Timeline.
    Timeline,
}

impl DetectorId {
    /// Every detector, in the order of the contract.
    pub const ALL: [Self; 5] = [Self::Groups, Self::Chains, Self::Fields, Self::Process, Self::Timeline];

    /// The name used on the command line and in file names.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Groups => "groups",
            Self::Chains => "chains",
            Self::Fields => "fields",
            Self::Process => "process",
            Self::Timeline => "timeline",
        }
    }

    /// The name shown to people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Groups => "Process groups",
            Self::Chains => "Process chains",
            Self::Fields => "Event fields",
            Self::Process => "Process behaviour",
            Self::Timeline => "Timeline",
        }
    }
}

/// Which version of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Our best for real cases.
    #[default]
    Recommended,
    /// As its authors described it.
    Published,
}

/// Which value ranks, makes the histogram and is compared with the threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum RankBy {
    /// `learned + prior` (the `published` preset: its loss).
    #[default]
    Recommended,
    /// The autoencoder's reconstruction loss.
    Loss,
    /// Sum of -log2 frequencies.
    Rarity,
}

impl RankBy {
    /// What ranks where nobody chose: the `published` methods know no recommended score.
    #[must_use]
    pub fn usual(preset: Preset) -> Self {
        if preset == Preset::Published { Self::Loss } else { Self::Recommended }
    }

    /// The axis title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Recommended => "recommended score",
            Self::Loss => "autoencoder loss",
            Self::Rarity => "rarity (bits)",
        }
    }
}

/// Where *above* begins.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Threshold {
    /// A quantile of the run's subjects, 0..=1.
    Quantile(f64),
    /// A number in units of *rank by*.
    Value(f64),
}

impl Default for Threshold {
    fn default() -> Self {
        Self::Quantile(0.99)
    }
}

impl std::str::FromStr for Threshold {
    type Err = String;
    /// Parses `q0.99` or a number.
    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = match text.strip_prefix(['q', 'Q']) {
            Some(rest) => rest.parse().ok().filter(|q| (0.0..=1.0).contains(q)).map(Self::Quantile),
            None => text.parse().ok().filter(|v: &f64| v.is_finite()).map(Self::Value),
        };
        parsed.ok_or_else(|| format!("'{text}' is neither a quantile such as q0.99 nor a number"))
    }
}

/// Which device trains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum Compute {
    /// A real GPU when there is one and it pays, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// Any GPU adapter, software ones included.
    Gpu,
}

/// Which events take part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Scope {
    /// Nanoseconds UTC, inclusive.
    pub from: Option<i64>,
    /// Nanoseconds UTC, inclusive.
    pub to: Option<i64>,
    /// Computers, compared without case; empty = all.
    pub hosts: Vec<String>,
}

/// What to run over a case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Default)]
pub struct Plan {
    /// Empty = all that apply.
    pub detectors: Vec<DetectorId>,
    /// Which version of the methods.
    pub preset: Preset,
    /// What ranks.
    pub rank_by: RankBy,
    /// Where *above* begins.
    pub threshold: Threshold,
    /// Seeds every random draw.
    pub seed: u64,
    /// Which device trains.
    pub compute: Compute,
    /// Whether the knowledge tables take part in the recommended score.
    pub prior: bool,
    /// Known-good evidence: folders, cases or saved baselines.
    pub baseline: Vec<PathBuf>,
    /// Truth files whose attack and ignore subjects are kept out of the baseline.
    pub baseline_truth: Vec<PathBuf>,
    /// Score with the models saved here instead of training.
    pub model: Option<PathBuf>,
    /// Save the trained models here.
    pub save_model: Option<PathBuf>,
    /// Saved models hold only what more than one computer and more than one person have shown: for a baseline file.
    pub save_shared_only: bool,
    /// Labels for the process classifier.
    pub labels: Option<PathBuf>,
    /// Labels beside those of the file: the case's own. The engine adds the file's.
    #[serde(default)]
    pub labelled: Vec<ProcessLabel>,
    /// Which events take part.
    pub scope: Scope,
    /// Events of the case before this time, nanoseconds UTC, are known-good: learned from, not scored.
    #[serde(default)]
    pub known_good_before: Option<i64>,
    /// Every setting of every detector.
    pub settings: Settings,
}

impl Plan {
    /// The plan a responder gets without choosing anything.
    #[must_use]
    pub fn standard() -> Self {
        Self { seed: 42, prior: true, ..Self::default() }
    }
}
