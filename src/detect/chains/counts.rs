//! Surprise by counting: interpolated Witten-Bell estimates of child given parent, rights given child, argument words given child.

use super::launch::{Shape, Texts};
use foldhash::HashMap;

/// Argument words looked at per launch.
const WORDS: usize = 64;

/// `P(item | context)` that backs off to `P(item)` and from there to the uniform one, each in proportion to how many kinds were seen.
///
/// `P(x|c) = (n(c,x) + T(c) P(x)) / (n(c) + T(c))`, `P(x) = (n(x) + T U) / (N + T)`, `U = 1 / (T + 1)`, T = kinds seen; one more kind than was seen is expected.
#[derive(Clone, Debug, Default)]
pub(super) struct WittenBell {
    pairs: HashMap<(u32, u32), f64>,
    contexts: HashMap<u32, (f64, f64)>,
    items: HashMap<u32, f64>,
    total: f64,
}

impl WittenBell {
    pub(super) fn add(&mut self, context: u32, item: u32, weight: f64) {
        let pair = self.pairs.entry((context, item)).or_insert(0.0);
        let known = self.contexts.entry(context).or_insert((0.0, 0.0));
        if *pair == 0.0 {
            known.1 += 1.0;
        }
        *pair += weight;
        known.0 += weight;
        *self.items.entry(item).or_insert(0.0) += weight;
        self.total += weight;
    }

    /// Probability of an item whatever the context.
    pub(super) fn marginal(&self, item: u32) -> f64 {
        let kinds = self.items.len() as f64;
        let uniform = 1.0 / (kinds + 1.0);
        if self.total == 0.0 {
            return uniform;
        }
        (self.items.get(&item).copied().unwrap_or(0.0) + kinds * uniform) / (self.total + kinds)
    }

    pub(super) fn probability(&self, context: u32, item: u32) -> f64 {
        let back = self.marginal(item);
        let Some(&(count, kinds)) = self.contexts.get(&context) else { return back };
        (self.seen(context, item) + kinds * back) / (count + kinds)
    }

    pub(super) fn bits(&self, context: u32, item: u32) -> f64 {
        -self.probability(context, item).log2()
    }

    /// Weight with which the pair was counted.
    pub(super) fn seen(&self, context: u32, item: u32) -> f64 {
        self.pairs.get(&(context, item)).copied().unwrap_or(0.0)
    }

    /// Every pair with its weight, in order of the codes.
    pub(super) fn pairs(&self) -> Vec<(u32, u32, f64)> {
        let mut list: Vec<(u32, u32, f64)> = self.pairs.iter().map(|((context, item), weight)| (*context, *item, *weight)).collect();
        list.sort_by_key(|(context, item, _)| (*context, *item));
        list
    }

    /// Weight with which the item was counted, whatever the context.
    pub(super) fn count(&self, item: u32) -> f64 {
        self.items.get(&item).copied().unwrap_or(0.0)
    }

    /// The commonest items of a context with their shares; ties by code.
    pub(super) fn commonest(&self, context: u32, most: usize) -> Vec<(u32, f64)> {
        let total = self.contexts.get(&context).map_or(0.0, |known| known.0);
        let mut list: Vec<(u32, f64)> = self.pairs.iter().filter(|((c, _), _)| *c == context).map(|((_, item), n)| (*item, n / total)).collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        list.truncate(most);
        list
    }

    /// The commonest contexts of an item with their shares of it; ties by code.
    pub(super) fn commonest_contexts(&self, item: u32, most: usize) -> Vec<(u32, f64)> {
        let total = self.items.get(&item).copied().unwrap_or(0.0);
        let mut list: Vec<(u32, f64)> = self.pairs.iter().filter(|((_, i), _)| *i == item).map(|((context, _), n)| (*context, n / total)).collect();
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        list.truncate(most);
        list
    }

    /// -log2 of the pair's share of all pairs, half a count lent to every pair.
    pub(super) fn pair_rarity(&self, context: u32, item: u32) -> f64 {
        -((self.seen(context, item) + 0.5) / (self.total + 0.5 * (self.pairs.len() as f64 + 1.0))).log2()
    }
}

/// The counts of one run.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Child given parent.
    pub(super) child: WittenBell,
    /// User class and integrity given child.
    pub(super) rights: WittenBell,
    /// Argument word given child.
    pub(super) words: WittenBell,
}

impl Counts {
    /// Whether nothing was counted.
    pub(super) fn is_empty(&self) -> bool {
        self.child.items.is_empty()
    }

    /// Counts each shape once with `weight`.
    pub(super) fn add(&mut self, shapes: &[Shape], weight: f64, texts: &mut Texts) {
        for shape in shapes {
            self.child.add(shape.parent.name, shape.child.name, weight);
            self.rights.add(shape.child.name, shape.rights(), weight);
            for word in word_codes(shape.arguments, texts) {
                self.words.add(shape.child.name, word, weight);
            }
        }
    }

    /// The rarest argument word and its bits.
    pub(super) fn rarest_word<'a>(&self, shape: &Shape, texts: &'a Texts) -> Option<(&'a str, f64)> {
        let bits = |word: &'a str| (word, self.words.bits(shape.child.name, texts.get(word).unwrap_or(u32::MAX)));
        words(texts.name(shape.arguments)).map(bits).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(a.0)))
    }
}

/// The words of normalised arguments.
pub(super) fn words(arguments: &str) -> impl Iterator<Item = &str> {
    let cut = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '=' | '|' | '&' | '(' | ')' | '\'');
    arguments.split(cut).filter(|word| word.len() > 1).take(WORDS)
}

/// Their codes, each once.
pub(super) fn word_codes(arguments: u32, texts: &mut Texts) -> Vec<u32> {
    let line = texts.name(arguments).to_owned();
    let mut codes: Vec<u32> = words(&line).map(|word| texts.intern(word)).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witten_bell_by_hand() {
        let mut counts = WittenBell::default();
        for (context, item, weight) in [(1, 10, 1.0), (1, 10, 1.0), (1, 11, 1.0), (2, 11, 1.0)] {
            counts.add(context, item, weight);
        }
        // Two kinds, four counts, uniform 1/3: P(10) = (2 + 2/3) / 6 = 4/9; P(11) the same; unseen = (2/3) / 6 = 1/9.
        assert!((counts.marginal(10) - 4.0 / 9.0).abs() < 1e-12);
        assert!((counts.marginal(99) - 1.0 / 9.0).abs() < 1e-12);
        // P(10|1) = (2 + 2 * 4/9) / (3 + 2) = 26/45; P(99|1) = (0 + 2/9) / 5 = 2/45.
        assert!((counts.probability(1, 10) - 26.0 / 45.0).abs() < 1e-12);
        assert!((counts.probability(1, 99) - 2.0 / 45.0).abs() < 1e-12);
        // P(10|2) = (0 + 1 * 4/9) / (1 + 1) = 2/9; an unknown context backs off whole.
        assert!((counts.probability(2, 10) - 2.0 / 9.0).abs() < 1e-12);
        assert!((counts.probability(7, 11) - 4.0 / 9.0).abs() < 1e-12);
        // A quarter of a count for own evidence: n = 1.25, one kind in context 3.
        counts.add(3, 10, 0.25);
        // Now N = 4.25, n(10) = 2.25: P(10) = (2.25 + 2/3) / 6.25 = 7/15; P(10|3) = (.25 + 7/15) / 1.25 = 43/75.
        assert!((counts.probability(3, 10) - 43.0 / 75.0).abs() < 1e-12);
        assert_eq!(counts.commonest(1, 5), [(10, 2.0 / 3.0), (11, 1.0 / 3.0)]);
        assert_eq!(WittenBell::default().marginal(1), 1.0);
    }

    #[test]
    fn words_of_arguments() {
        assert_eq!(words("-k netsvcs a=b;c -p, 'xy'").collect::<Vec<_>>(), ["-k", "netsvcs", "-p", "xy"]);
    }
}
