//! The normaliser: word vectors, their clusters, an expression per cluster, and what that saves.

use super::clusters::dbscan;
use super::patterns::{Pattern, generate, given, normalise, obvious};
use super::words::{WordVectors, centre, words};
use crate::control::{Control, RunError};
use crate::domain::{Expression, Word, Words};
use foldhash::{HashMap, HashSet};

/// Words that are clustered at most: the commonest.
const MOST: usize = 15_000;
/// Cosine distance within which words are neighbours.
const DISTANCE: f32 = 0.12;
/// Neighbours that make a dense place.
const FEWEST: usize = 5;
/// Share of the words above which one cluster tells nothing.
const MOST_IN_ONE: f64 = 0.8;
/// Words kept for the analyst to look at: the commonest.
const SHOWN: usize = 1_500;

/// How many distinct things there were before and after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reduction {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Reduction {
    /// How many times fewer.
    pub(super) fn ratio(self) -> f64 {
        self.before as f64 / self.after.max(1) as f64
    }
}

impl std::fmt::Display for Reduction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {} ({:.2}x)", self.before, self.after, self.ratio())
    }
}

/// Expressions, and the word vectors trained again on what they leave.
pub(super) struct Normaliser {
    pub(super) patterns: Vec<Pattern>,
    /// Words with at least one neighbour cluster, by cluster.
    pub(super) clusters: usize,
    pub(super) paths: Reduction,
    pub(super) words: Reduction,
    pub(super) vectors: WordVectors,
    /// The commonest words as they were clustered, for the analyst.
    pub(super) learned: Words,
}

impl Normaliser {
    /// Learns from distinct paths in lower case; `expressions` stand in place of generated ones where there are any.
    ///
    /// # Errors
    /// Cancelled, an expression cannot be read, or the word vectors could not be trained.
    pub(super) fn learn(paths: &[&str], expressions: &[String], seed: u64, control: &Control) -> Result<Self, RunError> {
        control.progress("training", "chains, word vectors", 0, Some(2), "passes");
        let first = WordVectors::learn(paths.iter().copied(), seed, control)?;
        let mut counts: HashMap<&str, usize> = HashMap::default();
        paths.iter().flat_map(|path| words(path)).for_each(|word| *counts.entry(word).or_insert(0) += 1);
        let mut common: Vec<(&str, usize)> = counts.iter().map(|(word, count)| (*word, *count)).filter(|(word, _)| obvious(word).is_none()).collect();
        common.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        common.truncate(MOST);
        let mut vectors: Vec<Vec<f32>> = common.iter().map(|(word, _)| first.of(word)).collect();
        let mut found = dbscan(&vectors, DISTANCE, FEWEST, control)?;
        if largest(&found) > MOST_IN_ONE * found.len() as f64 {
            // Few paths leave all words near one direction: what they have in common is taken away.
            centre(&mut vectors, &|_| true);
            found = dbscan(&vectors, DISTANCE, FEWEST, control)?;
        }
        let mut clusters: Vec<Vec<&str>> = vec![Vec::new(); found.iter().flatten().max().map_or(0, |last| *last as usize + 1)];
        for ((word, _), cluster) in common.iter().zip(&found) {
            if let Some(cluster) = cluster {
                clusters[*cluster as usize].push(word);
            }
        }
        let mut vocabulary: Vec<&str> = counts.keys().copied().collect();
        vocabulary.sort_unstable();
        let patterns = if expressions.is_empty() { generate(&clusters, &vocabulary) } else { given(expressions, &vocabulary).map_err(RunError::failed)? };
        let learned = Words {
            list: (0..common.len().min(SHOWN))
                .map(|at| Word { text: common[at].0.to_owned(), count: common[at].1, cluster: found[at], vector: vectors[at].clone() })
                .collect(),
            expressions: patterns.iter().map(|p| Expression { regex: p.regex.as_str().to_owned(), merges: p.merges, examples: p.examples.clone() }).collect(),
            order: None,
        };
        control.progress("training", "chains, word vectors", 1, Some(2), "passes");
        let after: HashSet<String> = paths.iter().map(|path| rewritten(path, &patterns)).collect();
        let mut after: Vec<&str> = after.iter().map(String::as_str).collect();
        after.sort_unstable();
        let words_after: HashSet<&str> = after.iter().flat_map(|path| words(path)).collect();
        let vectors = WordVectors::learn(after.iter().copied(), seed, control)?;
        Ok(Self {
            clusters: clusters.len(),
            paths: Reduction { before: paths.len(), after: after.len() },
            words: Reduction { before: vocabulary.len(), after: words_after.len() },
            patterns,
            vectors,
            learned,
        })
    }

    /// The path as its words are after normalisation.
    pub(super) fn rewrite(&self, path: &str) -> String {
        rewritten(path, &self.patterns)
    }
}

/// Words in the largest cluster.
fn largest(found: &[Option<u32>]) -> f64 {
    let mut counts: HashMap<u32, usize> = HashMap::default();
    found.iter().flatten().for_each(|cluster| *counts.entry(*cluster).or_default() += 1);
    counts.into_values().max().unwrap_or(0) as f64
}

fn rewritten(path: &str, patterns: &[Pattern]) -> String {
    words(path).map(|word| obvious(word).unwrap_or_else(|| normalise(word, patterns).to_owned())).collect::<Vec<_>>().join("\\")
}
