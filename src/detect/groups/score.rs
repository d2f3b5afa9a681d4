//! Window scores: from the chain scores of the launches in a window, and by counting names.

use super::windows::{Kind, Window, Windows};
use crate::detect::seen::{Seen, private};
use std::collections::BTreeMap;

/// Chain score about which a launch begins to count.
pub(super) const CUT: f64 = 7.0;

/// By how much a chain score exceeds [`CUT`], without a corner: `ln(1 + e^(score - CUT))`. Windows of ordinary launches stay near 0 and yet in
/// an order.
fn excess(score: f64) -> f64 {
    let over = score - CUT;
    over.max(0.0) + (-over.abs()).exp().ln_1p()
}

/// Chain scores of launches, by index into the process list.
#[derive(Clone, Debug)]
pub(super) struct Launches(Vec<f64>);

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
    /// Takes the scores of all processes.
    pub(super) fn new(scores: Vec<f64>) -> Self {
        Self(scores)
    }

    /// The window's launches by kind.
    pub(super) fn terms(&self, window: &Window, kinds: &[Kind]) -> Vec<Term> {
        let mut terms: BTreeMap<Kind, Term> = BTreeMap::new();
        for &launch in &window.launches {
            let (kind, score) = (kinds[launch as usize], self.0[launch as usize]);
            let term = terms.entry(kind).or_insert(Term { kind, launches: 0, score: f64::NEG_INFINITY, part: 0.0 });
            term.launches += 1;
            term.score = term.score.max(score);
        }
        terms.into_values().map(|term| Term { part: excess(term.score).powi(2), ..term }).collect()
    }

    /// Root of the summed squares of what each kind of launch exceeds [`CUT`] by.
    pub(super) fn score(&self, window: &Window, kinds: &[Kind]) -> f64 {
        self.terms(window, kinds).iter().map(|term| term.part).sum::<f64>().sqrt()
    }
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

    /// The same with names that are not shared replaced by numbers.
    pub(super) fn shared(&self, seen: &Seen<String>) -> Self {
        let name = |(at, (name, weight)): (usize, (&String, &f64))| (if seen.is_shared(name) { name.clone() } else { private(at) }, *weight);
        Self { windows: self.windows, names: self.names.iter().enumerate().map(name).collect() }
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
        // Two launches of one kind count once, by the higher; what stays far under the cut-off hardly counts.
        let processes = processes(&[
            (Some(0), "a", "u", r"C:\x.exe"),
            (Some(1), "a", "u", r"C:\x.exe"),
            (Some(2), "a", "u", r"C:\y.exe"),
            (Some(3), "a", "u", r"C:\z.exe"),
        ]);
        let (mut names, mut texts) = (Interner::default(), Interner::default());
        let gathered = windows(&processes, Rule { seconds: 60, by_user: false, windows_only: false }, &mut names);
        let kinds = kinds(&processes, &mut texts);
        let launches = Launches::new(vec![9.0, 10.0, 11.0, 2.0]);
        // ln(1 + e^3) = 3.048587, ln(1 + e^4) = 4.018150, ln(1 + e^-5) = 0.006715
        assert!((launches.score(&gathered.list[0], &kinds) - 5.043_755).abs() < 1e-5);
        let parts: Vec<(u32, f64)> = launches.terms(&gathered.list[0], &kinds).iter().map(|term| (term.launches, term.part.sqrt())).collect();
        for ((times, part), (wanted_times, wanted)) in parts.into_iter().zip([(2, 3.048_587), (1, 4.018_150), (1, 0.006_715)]) {
            assert!(times == wanted_times && (part - wanted).abs() < 1e-6);
        }
        assert!((excess(-1e9), excess(1e9)) == (0.0, 1e9 - CUT));
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
