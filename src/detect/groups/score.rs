//! Window scores: from the chain scores of the launches in a window, and by counting names.

use super::windows::{Kind, Window, Windows};
use std::collections::BTreeMap;

/// Where a launch begins to count, when knowledge and a baseline say what is ordinary.
pub(super) const CUT: f64 = 7.0;

/// Chain scores of launches, and the cut-off above which they count.
#[derive(Clone, Debug)]
pub(super) struct Launches {
    /// By index into the process list.
    scores: Vec<f64>,
    pub(super) cut: f64,
}

/// Equal launches of one window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) kind: Kind,
    pub(super) launches: u32,
    /// The highest chain score among them.
    pub(super) score: f64,
    /// What they add to the square of the window's score.
    pub(super) part: f64,
}

impl Launches {
    /// Takes the scores of all processes; without a fixed cut-off it is the .95 quantile over the distinct kinds of launch.
    pub(super) fn new(scores: Vec<f64>, kinds: &[Kind], cut: Option<f64>) -> Self {
        let mut best: BTreeMap<Kind, f64> = BTreeMap::new();
        for (kind, score) in kinds.iter().zip(&scores) {
            let known = best.entry(*kind).or_insert(f64::NEG_INFINITY);
            *known = known.max(*score);
        }
        let mut descending: Vec<f64> = best.into_values().filter(|score| score.is_finite()).collect();
        descending.sort_by(|a, b| b.total_cmp(a));
        let cut = cut.unwrap_or_else(|| quantile95(&descending));
        Self { scores, cut }
    }

    /// The window's launches by kind.
    pub(super) fn terms(&self, window: &Window, kinds: &[Kind]) -> Vec<Term> {
        let mut terms: BTreeMap<Kind, Term> = BTreeMap::new();
        for &launch in &window.launches {
            let (kind, score) = (kinds[launch as usize], self.scores[launch as usize]);
            let term = terms.entry(kind).or_insert(Term { kind, launches: 0, score: f64::NEG_INFINITY, part: 0.0 });
            term.launches += 1;
            term.score = term.score.max(score);
        }
        terms.into_values().map(|term| Term { part: (term.score - self.cut).max(0.0).powi(2), ..term }).collect()
    }

    /// Root of the summed squares of what each kind of launch exceeds the cut-off by.
    pub(super) fn score(&self, window: &Window, kinds: &[Kind]) -> f64 {
        self.terms(window, kinds).iter().map(|term| term.part).sum::<f64>().sqrt()
    }
}

/// The .95 quantile of scores in descending order, interpolated between neighbours, so that of a few scores the highest exceeds it.
fn quantile95(descending: &[f64]) -> f64 {
    let place = descending.len().saturating_sub(1) as f64 * 0.05;
    let at = |place: f64| descending.get(place as usize).copied().unwrap_or(f64::INFINITY);
    if descending.is_empty() { f64::INFINITY } else { at(place) + (at(place.ceil()) - at(place)) * place.fract() }
}

/// In how many windows each name occurs.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(super) struct Frequencies {
    windows: f64,
    names: BTreeMap<String, f64>,
}

impl Frequencies {
    /// Counts each (window, name) once with `weight`.
    pub(super) fn add<'a>(&mut self, windows: &Windows, name: impl Fn(u32) -> &'a str, weight: f64) {
        let mut times = vec![0.0; windows.patterns.len()];
        for window in &windows.list {
            times[window.pattern as usize] += weight;
            self.windows += weight;
        }
        for (pattern, times) in windows.patterns.iter().zip(times) {
            for &(code, _) in pattern {
                *self.names.entry(name(code).to_owned()).or_default() += times;
            }
        }
    }

    /// Share of windows that hold the name; never 0: all unseen names share one window.
    pub(super) fn share(&self, name: &str) -> f64 {
        let kinds = self.names.len() as f64 + 1.0;
        (self.names.get(name).copied().unwrap_or(0.0) + 1.0 / kinds) / (self.windows + 1.0)
    }

    /// -log2 of [`Frequencies::share`].
    pub(super) fn bits(&self, name: &str) -> f64 {
        -self.share(name).log2()
    }
}

#[cfg(test)]
mod tests {
    use super::super::windows::tests::processes;
    use super::super::windows::{Rule, kinds, windows};
    use super::*;
    use crate::features::Interner;

    #[test]
    fn a_window_scores_the_root_of_its_excesses() {
        // Two launches of one kind count once, by the higher; what stays under the cut-off does not count.
        let processes = processes(&[
            (Some(0), "a", "u", r"C:\x.exe"),
            (Some(1), "a", "u", r"C:\x.exe"),
            (Some(2), "a", "u", r"C:\y.exe"),
            (Some(3), "a", "u", r"C:\z.exe"),
        ]);
        let (mut names, mut texts) = (Interner::default(), Interner::default());
        let gathered = windows(&processes, Rule { seconds: 60, by_user: false, windows_only: false }, &mut names);
        let kinds = kinds(&processes, &mut texts);
        let launches = Launches::new(vec![9.0, 10.0, 11.0, 2.0], &kinds, Some(CUT));
        assert_eq!(launches.score(&gathered.list[0], &kinds), 5.0);
        let parts: Vec<(u32, f64)> = launches.terms(&gathered.list[0], &kinds).iter().map(|term| (term.launches, term.part)).collect();
        assert_eq!(parts, [(2, 9.0), (1, 16.0), (1, 0.0)]);
    }

    #[test]
    fn the_cut_off_is_a_quantile_over_kinds() {
        let descending: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(quantile95(&descending), 95.0);
        assert!((quantile95(&[3.0, 2.0]) - 2.95).abs() < 1e-12);
        assert_eq!(quantile95(&[]), f64::INFINITY);
    }

    #[test]
    fn names_are_counted_once_a_window() {
        let processes = processes(&[
            (Some(0), "a", "u", r"C:\x.exe"),
            (Some(1), "a", "u", r"C:\x.exe"),
            (Some(60), "a", "u", r"C:\y.exe"),
            (Some(61), "a", "u", r"C:\x.exe"),
        ]);
        let mut names = Interner::default();
        let gathered = windows(&processes, Rule { seconds: 60, by_user: false, windows_only: false }, &mut names);
        let mut frequencies = Frequencies::default();
        frequencies.add(&gathered, |code| names.name(code), 1.0);
        // Two windows, two names: (2 + 1/3) / 3, (1 + 1/3) / 3, (1/3) / 3.
        for (name, share) in [("x.exe", 7.0 / 9.0), ("y.exe", 4.0 / 9.0), ("z.exe", 1.0 / 9.0)] {
            assert!((frequencies.share(name) - share).abs() < 1e-12);
        }
        assert!((frequencies.bits("z.exe") - 9.0_f64.log2()).abs() < 1e-12);
    }
}
