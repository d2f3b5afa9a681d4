//! What an analyst calls ordinary: rules that take subjects out of a ranking without training anew.
//!
//! A rule names columns and the values they must have; a subject is ordinary when every named column of it has that value, whatever the case.

use crate::domain::{DetectorId, Ledger, Subject};
use serde::{Deserialize, Deserializer, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

/// A column that a rule may name; names are those of the exported ranking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are the ranking's columns")]
pub enum RuleField {
    Detector,
    Message,
    EventId,
    Channel,
    Provider,
    Computer,
    User,
    Image,
    CommandLine,
    SourceSha256,
    SourceRecord,
    SourcePart,
}

impl RuleField {
    /// The columns by which subjects are alike, in the order they are offered.
    pub const ALIKE: [Self; 8] = [Self::Message, Self::EventId, Self::Channel, Self::Provider, Self::Image, Self::CommandLine, Self::User, Self::Computer];
    /// Those of them that count unless the analyst chooses otherwise: what happened, not where or by whom.
    pub const USUAL: [Self; 5] = [Self::Message, Self::EventId, Self::Channel, Self::Image, Self::CommandLine];
    /// The columns that name one subject of one detector.
    pub const ONE: [Self; 4] = [Self::Detector, Self::SourceSha256, Self::SourceRecord, Self::SourcePart];

    /// The name shown.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Detector => "Detector",
            Self::Message => "What happened",
            Self::EventId => "Event ID",
            Self::Channel => "Channel",
            Self::Provider => "Provider",
            Self::Computer => "Computer",
            Self::User => "User",
            Self::Image => "Image",
            Self::CommandLine => "Command line",
            Self::SourceSha256 => "SHA-256 of the source",
            Self::SourceRecord => "Record",
            Self::SourcePart => "Part",
        }
    }

    /// A subject's value; empty where it has none.
    #[must_use]
    pub fn value<'a>(self, detector: DetectorId, subject: &'a Subject, sources: &'a [Ledger]) -> Cow<'a, str> {
        let text = |t: &'a Option<std::sync::Arc<str>>| Cow::Borrowed(t.as_deref().unwrap_or_default());
        match self {
            Self::Detector => detector.name().into(),
            Self::Message => Cow::Borrowed(&*subject.title),
            Self::EventId => subject.event_id.map(|id| id.to_string()).unwrap_or_default().into(),
            Self::Channel => text(&subject.channel),
            Self::Provider => text(&subject.provider),
            Self::Computer => text(&subject.computer),
            Self::User => text(&subject.user),
            Self::Image => text(&subject.image),
            Self::CommandLine => text(&subject.command_line),
            Self::SourceSha256 => sources.get(subject.key.source as usize).map_or("", |s| s.sha256.as_str()).into(),
            Self::SourceRecord => subject.key.record.to_string().into(),
            Self::SourcePart => subject.key.part.to_string().into(),
        }
    }
}

/// One rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Why it is ordinary, in the analyst's words.
    #[serde(default)]
    pub reason: String,
    /// Who said so.
    #[serde(default)]
    pub analyst: String,
    /// When, ISO 8601.
    #[serde(default)]
    pub made: String,
    /// What a subject must look like; an empty value asks for an empty column.
    #[serde(deserialize_with = "texts")]
    pub like: BTreeMap<RuleField, String>,
}

/// Values may be written as texts or as whole numbers.
fn texts<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<RuleField, String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Value {
        Number(u64),
        Text(String),
    }
    let read = BTreeMap::<RuleField, Value>::deserialize(from)?;
    if read.is_empty() {
        return Err(serde::de::Error::custom("a rule without any column under `like` would take everything out"));
    }
    let text = |value| match value {
        Value::Number(n) => n.to_string(),
        Value::Text(text) => text,
    };
    Ok(read.into_iter().map(|(field, value)| (field, text(value))).collect())
}

impl Rule {
    /// A rule for what has the subject's values in `fields`.
    #[must_use]
    pub fn like(fields: impl IntoIterator<Item = RuleField>, detector: DetectorId, subject: &Subject, sources: &[Ledger]) -> Self {
        Self { like: fields.into_iter().map(|f| (f, f.value(detector, subject, sources).into_owned())).collect(), ..Self::default() }
    }

    /// Whether it takes a subject out. A rule that names no column takes out none.
    #[must_use]
    pub fn matches(&self, detector: DetectorId, subject: &Subject, sources: &[Ledger]) -> bool {
        !self.like.is_empty() && self.like.iter().all(|(field, wanted)| same(wanted, &field.value(detector, subject, sources)))
    }
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (!a.is_ascii() && a.to_lowercase() == b.to_lowercase())
}

/// Rules ready to be asked of every subject: one lookup for each set of columns that rules name, however many rules there are.
#[derive(Clone, Debug, Default)]
pub struct Suppression {
    rules: Vec<Rule>,
    index: Vec<(Vec<RuleField>, HashMap<String, usize>)>,
}

impl Suppression {
    /// Makes rules ready.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut index: Vec<(Vec<RuleField>, HashMap<String, usize>)> = vec![];
        for (at, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.like.is_empty()) {
            let fields: Vec<RuleField> = rule.like.keys().copied().collect();
            let key = key(rule.like.values().map(String::as_str));
            match index.iter_mut().find(|(known, _)| *known == fields) {
                Some((_, rules)) => drop(rules.entry(key).or_insert(at)),
                None => index.push((fields, HashMap::from([(key, at)]))),
            }
        }
        Self { rules, index }
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The first rule that takes a subject out.
    #[must_use]
    pub fn find(&self, detector: DetectorId, subject: &Subject, sources: &[Ledger]) -> Option<usize> {
        let asked = |(fields, rules): &(Vec<RuleField>, HashMap<String, usize>)| {
            let values: Vec<Cow<'_, str>> = fields.iter().map(|f| f.value(detector, subject, sources)).collect();
            rules.get(&key(values.iter().map(|v| &**v))).copied()
        };
        self.index.iter().filter_map(asked).min()
    }
}

fn key<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let mut key = String::new();
    for value in values {
        key.push_str(&value.to_lowercase());
        key.push('\u{1f}');
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::EventKey;

    fn subject(image: &str, record: u64) -> Subject {
        Subject { image: Some(image.into()), event_id: Some(4688), key: EventKey { source: 0, part: 0, record }, ..Subject::default() }
    }

    #[test]
    fn a_rule_speaks_of_what_has_its_values_whatever_the_case() {
        let sources = [Ledger { sha256: "ab".into(), ..Ledger::default() }];
        let chosen = subject(r"C:\Windows\Ä.exe", 7);
        let alike = Rule::like(RuleField::USUAL, DetectorId::Fields, &chosen, &sources);
        let one = Rule::like(RuleField::ONE, DetectorId::Fields, &chosen, &sources);
        let twin = subject(r"c:\windows\ä.EXE", 8);
        let other = subject(r"C:\Windows\b.exe", 9);
        let matches = |rule: &Rule, s: &Subject, d| rule.matches(d, s, &sources);
        assert!(matches(&alike, &twin, DetectorId::Chains) && !matches(&alike, &other, DetectorId::Fields));
        assert!(matches(&one, &chosen, DetectorId::Fields) && !matches(&one, &twin, DetectorId::Fields) && !matches(&one, &chosen, DetectorId::Chains));
        assert!(!matches(&Rule::default(), &chosen, DetectorId::Fields));
        let both = Suppression::new(vec![Rule::default(), one, alike]);
        let found: Vec<_> = [&chosen, &twin, &other].map(|s| both.find(DetectorId::Fields, s, &sources)).into();
        assert_eq!(found, [Some(1), Some(2), None]);
        // An empty value asks for an empty column.
        assert!(!matches(&alike_with_user(""), &Subject { user: Some("ada".into()), ..subject("x", 1) }, DetectorId::Fields));
        assert!(matches(&alike_with_user(""), &subject("x", 1), DetectorId::Fields));
    }

    fn alike_with_user(user: &str) -> Rule {
        Rule { like: BTreeMap::from([(RuleField::User, user.to_owned())]), ..Rule::default() }
    }
}
