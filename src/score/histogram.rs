//! Equal-width bins over sorted scores, and counting above a threshold without touching the subjects.

/// Scores of one report, sorted, with their histogram. Answers in logarithmic time, so that a threshold can be dragged over millions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Descending.
    scores: Vec<f64>,
}

impl Histogram {
    /// Takes scores in rank order (descending).
    #[must_use]
    pub fn new(descending: Vec<f64>) -> Self {
        debug_assert!(descending.is_sorted_by(|a, b| a >= b));
        Self { scores: descending }
    }

    /// The scores, descending.
    #[must_use]
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// Lowest and highest score; `None` when there are none.
    #[must_use]
    pub fn range(&self) -> Option<(f64, f64)> {
        Some((*self.scores.last()?, *self.scores.first()?))
    }

    /// How many scores are at or above `threshold`: they are the first so many of the ranking.
    #[must_use]
    pub fn above(&self, threshold: f64) -> usize {
        self.scores.partition_point(|&s| s >= threshold)
    }

    /// Counts per bin: `bins` equal widths from the lowest to the highest score, the last closed on both sides. All scores equal: one bin holds all.
    #[must_use]
    pub fn bins(&self, bins: usize) -> Vec<usize> {
        let (Some((low, high)), true) = (self.range(), bins > 0) else { return vec![] };
        if low == high {
            return vec![self.scores.len()];
        }
        let edge = |i: usize| if i == 0 { f64::NEG_INFINITY } else { low + (high - low) * i as f64 / bins as f64 };
        let from: Vec<usize> = (0..bins).map(|i| self.above(edge(i))).chain([0]).collect();
        from.windows(2).map(|w| w[0] - w[1].min(w[0])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_every_score_once() {
        let h = Histogram::new(vec![10.0, 9.0, 5.0, 5.0, 0.0]);
        assert_eq!(h.bins(2), [1, 4]);
        assert_eq!(h.bins(10), [1, 0, 0, 0, 0, 2, 0, 0, 0, 2]);
        assert_eq!(Histogram::new(vec![3.0, 3.0]).bins(7), [2]);
        assert!(Histogram::default().bins(3).is_empty());
    }

    #[test]
    fn at_the_threshold_is_above_it() {
        let h = Histogram::new(vec![3.0, 2.0, 2.0, 1.0]);
        assert_eq!((h.above(2.0), h.above(2.1), h.above(f64::INFINITY), h.above(f64::NEG_INFINITY)), (3, 1, 0, 4));
    }
}
