//! How much each detector counts in a case, measured on the case itself.
//!
//! A detector that is right agrees with another one that is right about which processes are unusual; one that ranks like chance agrees with
//! nobody. For two detectors, the processes that one ranks among its first twentieth are compared with the rest by the other's tails
//! (Mann-Whitney, as a normal deviate). A detector is supported when some other one agrees with it by [`SUPPORT`] deviations. Where one pair agrees,
//! detectors without support count nothing; where no pair does, nothing can be told, and those that stand by themselves count.

use crate::domain::{DetectorId, Report, Stage, Weight};

/// Normal deviates by which two detectors must agree: less than one chance in forty.
const SUPPORT: f64 = 2.0;
/// Processes that both must have ranked before anything is said.
const ENOUGH: usize = 16;

/// What a detector counts when it is supported. Chosen on the prototype's cases (`docs/leads.md`): chains are right most often about processes.
fn base(id: DetectorId) -> f64 {
    match id {
        DetectorId::Chains => 2.0,
        DetectorId::Fields | DetectorId::Timeline => 1.0,
        DetectorId::Process => 1.0,
        DetectorId::Groups => 0.25,
    }
}

/// Whether a detector may count without another one's support: one that was measured above chance on every labelled case.
fn stands_alone(id: DetectorId) -> bool {
    matches!(id, DetectorId::Chains | DetectorId::Fields | DetectorId::Timeline)
}

/// Groups look at the same launches as chains do, a window at a time: that they agree says little.
fn independent(a: DetectorId, b: DetectorId) -> bool {
    !matches!((a, b), (DetectorId::Groups, DetectorId::Chains) | (DetectorId::Chains, DetectorId::Groups))
}

/// One weight for each report, in their order. `tails`: by report and node; the first `processes` nodes are processes.
pub(super) fn weights(reports: &[&Report], tails: &[Vec<f32>], processes: usize) -> Vec<Weight> {
    let mut support = vec![(f64::NEG_INFINITY, None); reports.len()];
    let mut told = vec![false; reports.len()];
    for (a, of_a) in reports.iter().enumerate() {
        for (b, of_b) in reports.iter().enumerate().filter(|(b, _)| *b != a) {
            if !independent(of_a.detector, of_b.detector) {
                continue;
            }
            let (Some(x), Some(y)) = (tails.get(a).and_then(|t| t.get(..processes)), tails.get(b).and_then(|t| t.get(..processes))) else { continue };
            let Some(deviates) = agreement(x, y) else { continue };
            for (own, other) in [(a, of_b), (b, of_a)] {
                if let (Some(told), Some(best)) = (told.get_mut(own), support.get_mut(own)) {
                    *told = true;
                    if deviates > best.0 {
                        *best = (deviates, Some(other.detector));
                    }
                }
            }
        }
    }
    let any = support.iter().any(|(deviates, _)| *deviates >= SUPPORT);
    let one = |(at, report): (usize, &&Report)| {
        let id = report.detector;
        let (deviates, other) = support.get(at).copied().unwrap_or((f64::NEG_INFINITY, None));
        let known = told.get(at).copied().unwrap_or(false);
        let (weight, reason) = match other.filter(|_| deviates >= SUPPORT) {
            Some(other) => (base(id), format!("agrees with {} about which processes are unusual ({deviates:.1} deviates)", other.title().to_lowercase())),
            None if known && any => (0.0, format!("agrees with no other method here ({deviates:.1} deviates): it moves nothing")),
            None if stands_alone(id) => (base(id), "too few processes to compare the methods by: counted as it is elsewhere".to_owned()),
            None => (0.0, "no other method can confirm it here: it moves nothing".to_owned()),
        };
        Weight { detector: id, weight, reason: if report.stage == Stage::First { format!("{reason} (by counting, so far)") } else { reason } }
    };
    reports.iter().enumerate().map(one).collect()
}

/// By how many normal deviates `other` is larger among the first twentieth of `own` than among the rest; none where too few processes have both.
fn agreement(own: &[f32], other: &[f32]) -> Option<f64> {
    let mut both: Vec<(f32, f32)> = own.iter().zip(other).filter(|(a, b)| **a > 0.0 && **b > 0.0).map(|(a, b)| (*a, *b)).collect();
    if both.len() < ENOUGH {
        return None;
    }
    both.sort_by(|a, b| b.0.total_cmp(&a.0));
    let top = (both.len() / 20).max(4);
    // Ranks of the other's tails, equal ones sharing their mean.
    let mut order: Vec<usize> = (0..both.len()).collect();
    let value = |at: usize| both.get(at).map_or(0.0, |pair| pair.1);
    order.sort_by(|a, b| value(*a).total_cmp(&value(*b)));
    let (mut sum, mut done) = (0.0, 0usize);
    for group in order.chunk_by(|a, b| value(*a) == value(*b)) {
        let rank = done as f64 + f64::midpoint(1.0, group.len() as f64);
        sum += rank * group.iter().filter(|at| **at < top).count() as f64;
        done += group.len();
    }
    let (m, k) = (top as f64, (both.len() - top) as f64);
    let mean = m * (m + k + 1.0) / 2.0;
    let deviation = (m * k * (m + k + 1.0) / 12.0).sqrt();
    (deviation > 0.0).then(|| (sum - mean) / deviation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_order_agrees_and_its_reverse_does_not() {
        let up: Vec<f32> = (1..=100).map(|n| n as f32).collect();
        let down: Vec<f32> = up.iter().rev().copied().collect();
        assert!(agreement(&up, &up).unwrap() > 3.0 && agreement(&up, &down).unwrap() < -3.0);
        assert_eq!(agreement(&up[..10], &up[..10]), None);
        // Every other one: the rank sum of the first five of 100 under a see-saw is near its mean.
        let see_saw: Vec<f32> = (1..=100).map(|n| (n * 37 % 101) as f32).collect();
        assert!(agreement(&up, &see_saw).unwrap().abs() < 2.0);
    }
}
