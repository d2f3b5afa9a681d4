//! What is done with scores once they are there: ranking, histogram, threshold, and metrics against ground truth.
//!
//! Border: numbers and subjects only; no evidence, no models, no screen.

mod histogram;
mod lead_metrics;
mod metrics;
mod rank;
mod truth;

pub use histogram::Histogram;
pub use lead_metrics::{LeadMetrics, LeadOutcome, measure_leads};
pub use metrics::{Metrics, Outcome, measure};
pub use rank::{Ranked, percentiles, quantile, rank};
pub use truth::{Label, Truth, TruthMember};
