//! Ranking quality against labels: ROC-AUC, average precision, precision and recall at k, rank of the first true one.

use serde::Serialize;

/// One subject of an evaluation: its score and whether it is true. Ignored subjects are left out by the caller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Higher = more unusual.
    pub score: f64,
    /// Whether any member is labelled `attack`.
    pub attack: bool,
}

/// The figures of one ranking. Undefined ones (no true subject, no false one) are `None`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Subjects counted.
    pub subjects: usize,
    /// True ones among them.
    pub attacks: usize,
    /// Area under the ROC curve; ties count half.
    pub roc_auc: Option<f64>,
    /// Average precision as scikit-learn computes it: ties share one step.
    pub average_precision: Option<f64>,
    /// (k, precision, recall) for k = 10, 20, 50, 100, in rank order.
    pub at: Vec<(usize, f64, f64)>,
    /// Rank of the first true subject, from 1.
    pub first: Option<usize>,
}

/// Measures a ranking. `outcomes` stand in rank order (the order breaks ties for `at` and `first`; AUC and AP look at scores alone).
/// Scores that are not numbers count as the lowest.
#[must_use]
pub fn measure(outcomes: &[Outcome]) -> Metrics {
    let attacks = outcomes.iter().filter(|o| o.attack).count();
    let ordinary = outcomes.len() - attacks;
    let mut sorted: Vec<Outcome> = outcomes.iter().map(|o| Outcome { score: if o.score.is_nan() { f64::NEG_INFINITY } else { o.score }, ..*o }).collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    // One pass over groups of equal scores: `above` counts true subjects that stand strictly higher.
    let (mut above, mut seen, mut pairs, mut precision) = (0usize, 0usize, 0.0f64, 0.0f64);
    for group in sorted.chunk_by(|a, b| a.score == b.score) {
        let hits = group.iter().filter(|o| o.attack).count();
        let misses = group.len() - hits;
        pairs += misses as f64 * (above as f64 + hits as f64 / 2.0);
        above += hits;
        seen += group.len();
        precision += hits as f64 * above as f64 / seen as f64;
    }
    let at = [10, 20, 50, 100]
        .into_iter()
        .map(|k| {
            let hits = outcomes.iter().take(k).filter(|o| o.attack).count() as f64;
            (k, hits / k as f64, if attacks == 0 { 0.0 } else { hits / attacks as f64 })
        })
        .collect();
    Metrics {
        subjects: outcomes.len(),
        attacks,
        roc_auc: (attacks > 0 && ordinary > 0).then(|| pairs / (attacks as f64 * ordinary as f64)),
        average_precision: (attacks > 0).then(|| precision / attacks as f64),
        at,
        first: outcomes.iter().position(|o| o.attack).map(|i| i + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rows: &[(f64, bool)]) -> Metrics {
        measure(&rows.iter().map(|&(score, attack)| Outcome { score, attack }).collect::<Vec<_>>())
    }

    #[test]
    fn figures_agree_with_those_worked_by_hand() {
        // Ranks 1 and 3 true: AP = (1/1 + 2/3) / 2; pairs won: 2 of 2 and 1 of 2.
        let m = of(&[(4.0, true), (3.0, false), (2.0, true), (1.0, false)]);
        assert_eq!(m.roc_auc, Some(0.75));
        assert!((m.average_precision.unwrap() - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(m.first, Some(1));
        assert_eq!(m.at[0], (10, 0.2, 1.0));
    }

    #[test]
    fn ties_count_half_and_share_a_step() {
        let m = of(&[(1.0, false), (1.0, true)]);
        assert_eq!(m.roc_auc, Some(0.5));
        assert_eq!(m.average_precision, Some(0.5));
        assert_eq!(m.first, Some(2));
    }

    #[test]
    fn what_is_undefined_is_none() {
        assert_eq!(of(&[(1.0, false)]).roc_auc, None);
        assert_eq!(of(&[(1.0, false)]).average_precision, None);
        assert_eq!(of(&[(1.0, true)]).roc_auc, None);
        assert_eq!(of(&[]).first, None);
        assert_eq!(of(&[(f64::NAN, true), (0.0, false)]).roc_auc, Some(0.0));
    }
}
