//! Why a window scored as it did: program by program, with the names that share its hash bucket.

use super::score::{CUT, Launches, Term};
use super::windows::{Kind, Windows};
use super::{Gathered, Scored};
use crate::domain::{Contribution, Explain, Plan, Preset, RankBy, Stage};
use crate::features::Interner;
use crate::features::hashing::bucket;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Names listed in one line at most.
const NAMED: usize = 4;

/// What ranks, and so what is explained.
#[derive(Clone, Copy)]
enum By {
    Chains,
    Distance,
    Rarity,
}

pub(super) struct Explanation {
    pub(super) scored: Scored,
    names: Arc<Interner>,
    windows: Arc<Windows>,
    kinds: Arc<[Kind]>,
    texts: Arc<Interner>,
    by: By,
    /// Names of the case by hash bucket, sorted.
    buckets: Vec<Vec<Arc<str>>>,
}

impl Explanation {
    pub(super) fn new(groups: &Gathered, scored: Scored, plan: &Plan, stage: Stage) -> Self {
        let by = match (stage, plan.rank_by, plan.preset) {
            (Stage::First, ..) | (_, RankBy::Rarity, _) => By::Rarity,
            (_, RankBy::Recommended, Preset::Recommended) => By::Chains,
            _ => By::Distance,
        };
        let mut buckets: Vec<Vec<Arc<str>>> = vec![Vec::new(); groups.setup.network.buckets];
        for name in groups.names.names() {
            buckets[bucket(name, groups.setup.network.buckets).0].push(name.into());
        }
        for names in &mut buckets {
            names.sort();
        }
        Self { scored, names: groups.names.clone(), windows: groups.windows.clone(), kinds: groups.kinds.clone(), texts: groups.texts.clone(), by, buckets }
    }

    /// What each program's kinds of launch add to the square of the score.
    fn by_chains(&self, index: usize, launches: &Launches) -> Vec<Contribution> {
        let mut programs: BTreeMap<u32, Vec<Term>> = BTreeMap::new();
        for term in launches.terms(&self.windows.list[index], &self.kinds) {
            programs.entry(term.kind.child).or_default().push(term);
        }
        let weight = |terms: &[Term]| terms.iter().map(|term| term.part).sum::<f64>();
        let whole: f64 = programs.values().map(|terms| weight(terms)).sum();
        let line = |(child, terms): (u32, Vec<Term>)| {
            let share = if whole > 0.0 { weight(&terms) / whole } else { 0.0 };
            let top = terms.iter().max_by(|a, b| a.score.total_cmp(&b.score))?;
            let times: u32 = terms.iter().map(|term| term.launches).sum();
            let (parent, directory) = (or(self.texts.name(top.kind.parent), "(unknown)"), or(self.texts.name(top.kind.directory), "(no directory)"));
            let observed = format!("{times} x from {directory}, by {parent} (chain score {:.2})", top.score);
            let expected = format!("chain scores under {CUT}; {}", self.seen(self.texts.name(child)));
            Some((top.score, Contribution { name: self.texts.name(child).to_owned(), share, observed, expected }))
        };
        let mut lines: Vec<(f64, Contribution)> = programs.into_iter().filter_map(line).collect();
        lines.sort_by(|a, b| b.1.share.total_cmp(&a.1.share).then(b.0.total_cmp(&a.0)).then_with(|| a.1.name.cmp(&b.1.name)));
        lines.into_iter().map(|(_, contribution)| contribution).collect()
    }

    /// How much nearer the reconstruction comes without each program.
    fn by_distance(&self, index: usize) -> Vec<Contribution> {
        let Some((network, model)) = &self.scored.network else { return Vec::new() };
        let counts: Vec<(&str, u32)> = self.pattern(index).collect();
        let whole = network.distance(model, counts.iter().copied());
        let without: Vec<f64> = (0..counts.len())
            .map(|left_out| whole - network.distance(model, counts.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, count)| *count)))
            .collect();
        let sum: f64 = without.iter().map(|change| change.abs()).sum::<f64>().max(f64::MIN_POSITIVE);
        let line = |(&(name, launches), change): (&(&str, u32), &f64)| Contribution {
            name: name.to_owned(),
            share: change / sum,
            observed: format!("{launches} x; without it the distance is {:.4}, not {whole:.4}", whole - change),
            expected: format!("{}{}", self.seen(name), self.neighbours(name)),
        };
        sorted(counts.iter().zip(&without).map(line).collect())
    }

    fn by_rarity(&self, index: usize) -> Vec<Contribution> {
        let bits: Vec<(&str, u32, f64)> = self.pattern(index).map(|(name, launches)| (name, launches, self.scored.frequencies.bits(name))).collect();
        let sum: f64 = bits.iter().map(|(_, _, bits)| bits).sum::<f64>().max(f64::MIN_POSITIVE);
        let line = |(name, launches, bits): (&str, u32, f64)| Contribution {
            name: name.to_owned(),
            share: bits / sum,
            observed: format!("{launches} x ({bits:.1} bits)"),
            expected: self.seen(name),
        };
        sorted(bits.into_iter().map(line).collect())
    }

    fn pattern(&self, index: usize) -> impl Iterator<Item = (&str, u32)> {
        let pattern = &self.windows.patterns[self.windows.list[index].pattern as usize];
        pattern.iter().map(|&(name, launches)| (self.names.name(name), launches))
    }

    fn seen(&self, name: &str) -> String {
        format!("in {:.2} % of windows", self.scored.frequencies.share(name) * 100.0)
    }

    /// Other names of the case in the same bucket: the network cannot tell them apart.
    fn neighbours(&self, name: &str) -> String {
        let others: Vec<&str> = self.buckets[bucket(name, self.buckets.len()).0].iter().map(|other| &**other).filter(|other| *other != name).collect();
        match others.len() {
            0 => String::new(),
            n if n > NAMED => format!("; shares its bucket with {} and {} more", others[..NAMED].join(", "), n - NAMED),
            _ => format!("; shares its bucket with {}", others.join(", ")),
        }
    }
}

impl Explain for Explanation {
    fn explain(&self, index: usize) -> Vec<Contribution> {
        if index >= self.windows.list.len() {
            return Vec::new();
        }
        match (self.by, &self.scored.launches) {
            (By::Chains, Some(launches)) => self.by_chains(index, &launches.0),
            (By::Distance, _) => self.by_distance(index),
            _ => self.by_rarity(index),
        }
    }
}

fn sorted(mut lines: Vec<Contribution>) -> Vec<Contribution> {
    lines.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
    lines
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}
