//! Loss over time: the highest score and the number of subjects per slice of time.

/// One slice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slice {
    /// Subjects first seen in it.
    pub count: u32,
    /// The highest of their scores.
    pub highest: f64,
}

/// The slices from the first to the last subject's time, all equally long.
#[derive(Debug, Default, PartialEq)]
pub struct Strip {
    /// First and last time, nanoseconds UTC; `None` without any time.
    pub span: Option<(i64, i64)>,
    /// At most [`Strip::SLICES`].
    pub slices: Vec<Slice>,
    /// Subjects without a time.
    pub no_time: usize,
}

impl Strip {
    /// Most slices kept.
    pub const SLICES: usize = 1024;

    /// Slices (time, score) pairs.
    pub(crate) fn new(pairs: impl Iterator<Item = (Option<i64>, f64)> + Clone) -> Self {
        let (mut first, mut last, mut no_time) = (i64::MAX, i64::MIN, 0);
        for (time, _) in pairs.clone() {
            match time {
                Some(t) => (first, last) = (first.min(t), last.max(t)),
                None => no_time += 1,
            }
        }
        if first > last {
            return Self { span: None, slices: vec![], no_time };
        }
        let mut strip = Self { span: Some((first, last)), slices: vec![Slice::default(); Self::SLICES], no_time };
        for (time, score) in pairs {
            if let Some(time) = time {
                let slice = &mut strip.slices[slice_of(time, first, last)];
                slice.highest = if slice.count == 0 { score } else { slice.highest.max(score) };
                slice.count += 1;
            }
        }
        strip
    }

    /// The time at which a slice begins (`slice` may be the number of slices: the end).
    #[must_use]
    pub fn time(&self, slice: usize) -> Option<i64> {
        let (first, last) = self.span?;
        let offset = (i128::from(last) - i128::from(first)) * slice as i128 / Self::SLICES as i128;
        i64::try_from(i128::from(first) + offset).ok()
    }
}

fn slice_of(time: i64, first: i64, last: i64) -> usize {
    let (offset, span) = (i128::from(time) - i128::from(first), (i128::from(last) - i128::from(first)).max(1));
    ((offset * Strip::SLICES as i128 / span) as usize).min(Strip::SLICES - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_score_of_each_slice_is_kept() {
        let strip = Strip::new([(Some(0), 1.0), (Some(0), 5.0), (Some(1024), 2.0), (None, 9.0)].into_iter());
        assert_eq!(strip.span, Some((0, 1024)));
        assert_eq!(strip.slices[0], Slice { count: 2, highest: 5.0 });
        assert_eq!(strip.slices[1023], Slice { count: 1, highest: 2.0 });
        assert_eq!((strip.no_time, strip.time(512)), (1, Some(512)));
        assert_eq!(Strip::new([(None, 1.0)].into_iter()).span, None);
        assert_eq!(Strip::new([(Some(i64::MIN), 1.0), (Some(i64::MAX), 2.0)].into_iter()).slices[1023].highest, 2.0);
    }
}
