//! What a classifier's held-out scores amount to.

use crate::domain::{Figures, Trials, Validation};
use crate::score::{Outcome, measure};

/// The figures of held-out scores; a process is called malicious from log-odds of 0 on.
pub(super) fn figures(trials: &[(f64, bool)]) -> Option<Figures> {
    if trials.is_empty() {
        return None;
    }
    let count = |called: bool, malicious: bool| trials.iter().filter(|(score, truth)| (*score >= 0.0) == called && *truth == malicious).count() as u64;
    let (hits, false_alarms, misses) = (count(true, true), count(true, false), count(false, true));
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let outcomes: Vec<Outcome> = trials.iter().map(|&(score, attack)| Outcome { score, attack }).collect();
    let metrics = measure(&outcomes);
    Some(Figures {
        true_positives: hits,
        false_positives: false_alarms,
        true_negatives: count(false, false),
        false_negatives: misses,
        precision: share(hits, hits + false_alarms),
        recall: share(hits, hits + misses),
        roc_auc: metrics.roc_auc,
        average_precision: metrics.average_precision,
    })
}

/// The validation of a classifier, and one line in words for each split.
pub(super) fn validation(trials: &Trials) -> (Validation, Vec<String>) {
    let validation = Validation {
        network: trials.network.clone(),
        labelled: trials.labelled,
        malicious: trials.malicious,
        groups: trials.groups,
        folds: trials.folds,
        grouped: figures(&trials.grouped),
        random: figures(&trials.random),
        class_weight: trials.class_weight,
    };
    let line = |split: &str, figures: &Figures| {
        let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        format!(
            "{split}: ROC-AUC {}, average precision {}, precision {}, recall {} (TP {} FP {} TN {} FN {})",
            number(figures.roc_auc),
            number(figures.average_precision),
            number(figures.precision),
            number(figures.recall),
            figures.true_positives,
            figures.false_positives,
            figures.true_negatives,
            figures.false_negatives
        )
    };
    let mut words = Vec::new();
    words.extend(validation.grouped.as_ref().map(|figures| line(&format!("{} held out by group ({} groups)", trials.network, trials.groups), figures)));
    words.extend(validation.random.as_ref().map(|figures| line(&format!("{} held out at random (flatters)", trials.network), figures)));
    (validation, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_by_hand() {
        let found = figures(&[(2.0, true), (1.0, false), (-1.0, true), (-2.0, false), (-3.0, false)]).expect("figures");
        assert_eq!((found.true_positives, found.false_positives, found.true_negatives, found.false_negatives), (1, 1, 2, 1));
        assert_eq!((found.precision, found.recall), (Some(0.5), Some(0.5)));
        // Pairs won: 2.0 beats three, -1.0 beats two, of six.
        assert!((found.roc_auc.expect("an area") - 5.0 / 6.0).abs() < 1e-12);
        assert_eq!(figures(&[]), None);
    }
}
