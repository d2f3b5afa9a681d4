//! Regular expressions generated from clusters of words: what the words share stays, what differs becomes a class.

use regex::Regex;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Share of a cluster that its expression must match.
const MATCHED: f64 = 0.8;
/// Expressions kept.
const KEPT: usize = 30;

/// A generated expression.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    /// What a matching word becomes: `jre<version>_<digits>`.
    pub(super) name: String,
    /// The expression, for the whole word.
    pub(super) regex: Regex,
    /// Distinct words of the vocabulary that it merges.
    pub(super) merges: usize,
    /// Some of them.
    pub(super) examples: Vec<String>,
}

/// Classes of word parts, the first that matches wins: name, expression.
const CLASSES: [(&str, &str); 6] = [
    ("uuid", "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    ("date", r"(?:19|20)\d\d-\d\d-\d\d"),
    ("version", r"\d+(?:\.\d+)+"),
    ("locale", "[a-z]{2}-[a-z]{2}"),
    ("hex", "[0-9a-f]{6,}"),
    ("digits", r"\d+"),
];

/// The class of plain numbers, which are not hexadecimal however long.
const DIGITS: usize = CLASSES.len() - 1;

#[expect(clippy::expect_used, reason = "a constant expression, compiled by every test run")]
static PARTS: LazyLock<Regex> = LazyLock::new(|| {
    let parts: Vec<String> = CLASSES.iter().map(|(name, regex)| format!("(?P<{name}>{regex})")).collect();
    Regex::new(&parts.join("|")).expect("a constant expression")
});

/// A piece of a word: literal, or the number of a class.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Piece {
    Literal(String),
    Class(usize),
}

/// Cuts a word into literals and classes.
fn pieces(word: &str) -> Vec<Piece> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    for found in PARTS.captures_iter(word) {
        let Some(whole) = found.get(0) else { continue };
        let class = (0..CLASSES.len()).find(|class| found.get(class + 1).is_some()).unwrap_or(0);
        let class = if whole.as_str().bytes().all(|b| b.is_ascii_digit()) { DIGITS } else { class };
        if !fits(word, whole.range(), class) {
            continue;
        }
        if whole.start() > at {
            pieces.push(Piece::Literal(word[at..whole.start()].to_owned()));
        }
        pieces.push(Piece::Class(class));
        at = whole.end();
    }
    if at < word.len() {
        pieces.push(Piece::Literal(word[at..].to_owned()));
    }
    pieces
}

/// Whether a match is what its class means: a locale stands alone between separators, hexadecimal has a digit and is not all digits.
fn fits(word: &str, range: std::ops::Range<usize>, class: usize) -> bool {
    let letter = |at: Option<u8>| at.is_some_and(|b| b.is_ascii_alphanumeric());
    let bounded = !letter(range.start.checked_sub(1).map(|at| word.as_bytes()[at])) && !letter(word.as_bytes().get(range.end).copied());
    let text = &word[range];
    match CLASSES[class].0 {
        "locale" => bounded,
        "hex" => text.bytes().any(|b| b.is_ascii_digit()),
        _ => true,
    }
}

fn name(pieces: &[Piece]) -> String {
    pieces.iter().fold(String::new(), |mut name, piece| {
        match piece {
            Piece::Literal(text) => name.push_str(text),
            Piece::Class(class) => write!(name, "<{}>", CLASSES[*class].0).unwrap_or_default(),
        }
        name
    })
}

fn regex(pieces: &[Piece]) -> Option<Regex> {
    let body = pieces.iter().fold(String::new(), |mut body, piece| {
        match piece {
            Piece::Literal(text) => body.push_str(&regex::escape(text)),
            Piece::Class(class) => body.push_str(CLASSES[*class].1),
        }
        body
    });
    Regex::new(&format!("^{body}$")).ok()
}

/// The class of a word that is nothing but one obvious class (GUID, hexadecimal, version, date), which needs no cluster to be seen.
pub(super) fn obvious(word: &str) -> Option<String> {
    let bare = word.trim_start_matches('{').trim_end_matches('}');
    match pieces(bare).as_slice() {
        [Piece::Class(class)] if CLASSES[*class].0 != "locale" => Some(format!("<{}>", CLASSES[*class].0)),
        _ => None,
    }
}

/// The expression of a cluster: its commonest cut, if that matches enough of the cluster, has a class and merges at least two words.
fn of_cluster(words: &[&str]) -> Option<(Vec<Piece>, Regex)> {
    let mut cuts: HashMap<Vec<Piece>, usize> = HashMap::new();
    for word in words {
        *cuts.entry(pieces(word)).or_insert(0) += 1;
    }
    let mut cuts: Vec<(Vec<Piece>, usize)> = cuts.into_iter().filter(|(cut, _)| cut.iter().any(|piece| matches!(piece, Piece::Class(_)))).collect();
    cuts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| name(&a.0).cmp(&name(&b.0))));
    let (cut, _) = cuts.into_iter().next()?;
    let regex = regex(&cut)?;
    let matched = words.iter().filter(|word| regex.is_match(word)).count();
    (matched > 1 && matched as f64 >= MATCHED * words.len() as f64).then_some((cut, regex))
}

/// Generates the expressions of clusters of words; the [`KEPT`] that merge most of the vocabulary are kept, most first, ties by name.
pub(super) fn generate(clusters: &[Vec<&str>], vocabulary: &[&str]) -> Vec<Pattern> {
    let mut patterns: Vec<Pattern> = Vec::new();
    for words in clusters {
        let Some((cut, regex)) = of_cluster(words) else { continue };
        let name = name(&cut);
        if patterns.iter().any(|known| known.name == name) {
            continue;
        }
        let merged: Vec<&&str> = vocabulary.iter().filter(|word| regex.is_match(word)).collect();
        let examples = merged.iter().take(5).map(|word| (**word).to_owned()).collect();
        patterns.push(Pattern { name, regex, merges: merged.len(), examples });
    }
    patterns.retain(|pattern| pattern.merges > 1);
    patterns.sort_by(|a, b| b.merges.cmp(&a.merges).then_with(|| a.name.cmp(&b.name)));
    patterns.truncate(KEPT);
    patterns
}

/// The analyst's own expressions, in their order; each must match a whole word.
///
/// # Errors
/// Which expression cannot be read, and why.
pub(super) fn given(expressions: &[String], vocabulary: &[&str]) -> Result<Vec<Pattern>, String> {
    let read = |(at, text): (usize, &String)| {
        let regex = Regex::new(&format!("^(?:{})$", text.trim_start_matches('^').trim_end_matches('$')))
            .map_err(|error| format!("an expression of chains.expressions cannot be read; mend or remove it: {text}: {error}"))?;
        let merged: Vec<&&str> = vocabulary.iter().filter(|word| regex.is_match(word)).collect();
        let examples = merged.iter().take(5).map(|word| (**word).to_owned()).collect();
        Ok(Pattern { name: format!("<expression {}>", at + 1), merges: merged.len(), examples, regex })
    };
    expressions.iter().enumerate().map(read).collect()
}

/// The word, or the name of the first expression that matches it.
pub(super) fn normalise<'a>(word: &'a str, patterns: &'a [Pattern]) -> &'a str {
    patterns.iter().find(|pattern| pattern.regex.is_match(word)).map_or(word, |pattern| &pattern.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_into_literals_and_classes() {
        for (word, cut) in [
            ("jre1.8.0_231", "jre<version>_<digits>"),
            ("install_14123412.exe", "install_<digits>.exe"),
            ("en-us", "<locale>"),
            ("fr-fr.dll", "<locale>.dll"),
            ("half-life", "half-life"),
            ("2019-12-12", "<date>"),
            ("{01234567-89ab-cdef-0123-456789abcdef}", "{<uuid>}"),
            ("tmp3fa2b19c.tmp", "tmp<hex>.tmp"),
            ("facade", "facade"),
            ("system32", "system<digits>"),
        ] {
            assert_eq!(name(&pieces(word)), cut, "{word}");
        }
    }

    #[test]
    fn obvious_words_need_no_cluster() {
        assert_eq!(obvious("{01234567-89ab-cdef-0123-456789abcdef}").as_deref(), Some("<uuid>"));
        assert_eq!(obvious("10.0.19041").as_deref(), Some("<version>"));
        assert_eq!((obvious("system32"), obvious("en-us"), obvious("")), (None, None, None));
    }

    #[test]
    fn given_expressions_match_whole_words_and_bad_ones_are_named() {
        let given_ones = given(&[r"^jre[\d._]+$".into(), "x".into()], &["jre1.8", "jre7", "prejre7", "bin"]).expect("both can be read");
        assert_eq!(given_ones.iter().map(|p| (p.name.as_str(), p.merges)).collect::<Vec<_>>(), [("<expression 1>", 2), ("<expression 2>", 0)]);
        assert!(given(&["(".into()], &[]).is_err_and(|why| why.contains("read; mend")));
    }

    #[test]
    fn a_cluster_gives_its_expression_or_none() {
        let java = ["jre1.7.0_127", "jre1.8.0_231", "jre1.8.0_66", "jre1.6.0_45", "jdk"];
        let patterns = generate(&[java.to_vec(), vec!["bin", "lib", "etc"], vec!["a1", "b2", "c3"]], &java);
        assert_eq!(patterns.len(), 1, "no class in the second, nothing shared in the third");
        assert_eq!((patterns[0].name.as_str(), patterns[0].merges), ("jre<version>_<digits>", 4));
        assert_eq!(patterns[0].regex.as_str(), r"^jre\d+(?:\.\d+)+_\d+$");
        assert_eq!(normalise("jre9.0.4_1", &patterns), "jre<version>_<digits>");
        assert_eq!(normalise("jdk", &patterns), "jdk");
    }
}
