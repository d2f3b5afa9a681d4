//! The words that a detector learned, for the analyst to look at: where they stand to each other, and which were taken for the same.

/// What a detector learned of words.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// The commonest words, commonest first, ties by text.
    pub list: Vec<Word>,
    /// What merges words.
    pub expressions: Vec<Expression>,
    /// How well the network tells real chains from the same in another order; none where it was not asked.
    pub order: Option<Roc>,
}

/// How well a value tells two classes apart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Roc {
    /// Area under the curve.
    pub area: f64,
    /// The curve: shares of false and of true alarms, from none to all.
    pub points: Vec<[f64; 2]>,
}

/// A word and its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Distinct paths it stands in.
    pub count: usize,
    /// Words that lie close together; none for a word that lies alone.
    pub cluster: Option<u32>,
    /// Its place, a vector of length 1.
    pub vector: Vec<f32>,
}

/// A regular expression that merges words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expression {
    /// The expression, for the whole word.
    pub regex: String,
    /// Distinct words that it merges.
    pub merges: usize,
    /// Some of them.
    pub examples: Vec<String>,
}

impl Words {
    /// The words nearest to one, nearest first, with the cosine.
    #[must_use]
    pub fn nearest(&self, to: usize, most: usize) -> Vec<(usize, f32)> {
        let Some(word) = self.list.get(to) else { return vec![] };
        let cosine = |other: &Word| word.vector.iter().zip(&other.vector).map(|(a, b)| a * b).sum::<f32>();
        let mut all: Vec<(usize, f32)> = self.list.iter().enumerate().filter(|(at, _)| *at != to).map(|(at, other)| (at, cosine(other))).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_points_the_same_way() {
        let word = |text: &str, vector: [f32; 2]| Word { text: text.into(), vector: vector.into(), ..Word::default() };
        let words = Words { list: vec![word("a", [1.0, 0.0]), word("b", [0.0, 1.0]), word("c", [0.8, 0.6])], expressions: vec![], order: None };
        assert_eq!(words.nearest(0, 2), [(2, 0.8), (1, 0.0)]);
        assert!(words.nearest(9, 2).is_empty());
    }
}
