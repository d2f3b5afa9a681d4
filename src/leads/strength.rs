//! Whether a lead's score means anything, in words.
//!
//! A list of leads has a first row on every machine. What tells a story from the first row of an ordinary list is measured by few features that do
//! not hang on how much evidence there is; their weights were set once, on labelled cases and ordinary evidence, from the figures that
//! `cargo bench --bench leads -- calibrate` prints. `docs/leads.md` has the figures.

use crate::domain::{Lead, Strength};

/// What is measured of a lead.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Features {
    /// Score of the lead over the median of all leads with processes (or of all, where none has), in units of that median.
    pub over_median: f64,
    /// What knowledge tables give its strongest subjects: the mean of the three largest priors, in the detectors' own units.
    pub prior: f64,
    /// Processes among the most unusual twentieth of the case's, as log2(1 + n).
    pub breadth: f64,
    /// Distinct techniques that its steps show, as log2(1 + n).
    pub techniques: f64,
    /// What it gained from links beyond process trees: 1 where it has any causal one.
    pub linked: f64,
    /// Computers that it walks through beyond the first, as log2(1 + n).
    pub reach: f64,
}

impl Features {
    /// Their names and values, for calibration.
    #[must_use]
    pub fn named(&self) -> [(&'static str, f64); 6] {
        [
            ("over median", self.over_median),
            ("prior", self.prior),
            ("breadth", self.breadth),
            ("techniques", self.techniques),
            ("linked", self.linked),
            ("reach", self.reach),
        ]
    }
}

/// The constant, then one weight a feature: rounded by hand so that no case decides alone, chosen on the eight shared cases, the shared ordinary
/// Windows 10 and synthetic estates with and without their intrusion.
const FIT: [f64; 7] = [-3.0, 0.25, 0.2, 0.4, 0.5, 1.0, 1.0];
/// What a feature may count at most, so that few large numbers do not stand for a story.
const MOST: f64 = 8.0;
/// Evidence from which a lead is worth a look: ordinary evidence has at most two such leads a computer and day.
const WORTH_A_LOOK: f64 = 0.0;
/// Evidence from which it is strong.
const STRONG: f64 = 2.0;

/// How much speaks for a story: above 0 a lead is worth a look.
#[must_use]
pub fn evidence(features: &Features) -> f64 {
    let [constant, weights @ ..] = FIT;
    constant + weights.iter().zip(features.named()).map(|(weight, (_, value))| weight * value.min(MOST)).sum::<f64>()
}

/// In words.
#[must_use]
fn strength(features: &Features) -> Strength {
    match evidence(features) {
        odds if odds >= STRONG => Strength::Strong,
        odds if odds >= WORTH_A_LOOK => Strength::WorthALook,
        _ => Strength::Weak,
    }
}

/// Sets a lead's word.
pub(super) fn judge(lead: &mut Lead, features: &Features) {
    lead.strength = strength(features);
}
