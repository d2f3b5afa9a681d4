//! How usual the letters of a name are: four at a time, counted over the distinct names of the timeline.

use foldhash::HashMap;

/// Letters counted of a name at most.
const LONGEST: usize = 64;
/// Different letters reckoned with.
const ALPHABET: f64 = 40.0;

/// Counts of letters after the three before them.
pub(super) struct Letters {
    after: HashMap<[u8; 4], u32>,
    contexts: HashMap<[u8; 3], u32>,
}

impl Letters {
    pub(super) fn new(names: &[Box<str>]) -> Self {
        let (mut after, mut contexts) = (HashMap::default(), HashMap::default());
        for name in names {
            for gram in grams(name) {
                *after.entry(gram).or_insert(0) += 1;
                *contexts.entry([gram[0], gram[1], gram[2]]).or_insert(0) += 1;
            }
        }
        Self { after, contexts }
    }

    /// Mean bits a letter.
    pub(super) fn bits(&self, name: &str) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0f64);
        for gram in grams(name) {
            let seen = f64::from(self.after.get(&gram).copied().unwrap_or(0));
            let context = f64::from(self.contexts.get(&[gram[0], gram[1], gram[2]]).copied().unwrap_or(0));
            sum += ((context + 0.5 * ALPHABET) / (seen + 0.5)).log2();
            count += 1.0;
        }
        sum / count.max(1.0)
    }
}

/// Runs of four bytes, the beginning padded; digits are one letter.
fn grams(name: &str) -> impl Iterator<Item = [u8; 4]> + '_ {
    let mut last = [b'^'; 4];
    name.bytes().take(LONGEST).map(|byte| if byte.is_ascii_digit() { b'0' } else { byte }).map(move |byte| {
        last = [last[1], last[2], last[3], byte];
        last
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_never_seen_costs_most() {
        let letters = Letters::new(&["aa".into(), "aa".into()]);
        // ^^^a and ^^aa twice each: (2 + 20) / 2.5 a letter.
        assert!((letters.bits("aa") - (22.0f64 / 2.5).log2()).abs() < 1e-12);
        assert!(letters.bits("zz") > letters.bits("aa") && letters.bits("") == 0.0);
    }
}
