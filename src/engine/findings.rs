//! Rules beside ML: what Hayabusa or Chainsaw found, joined to the events it is about by computer, channel and record ID.
//!
//! Chainsaw names no channel: there computer, event ID and record ID decide. A result that meets no event is counted, never dropped in silence.

use crate::case::Snapshot;
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventRef, EventStore, Ledger, Subject};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap, HashSet};

/// How much a rule's author makes of a hit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the rules' own")]
pub enum Level {
    #[default]
    Undefined,
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Level {
    fn of(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "information" | "informational" | "info" => Self::Informational,
            "low" => Self::Low,
            "medium" | "med" => Self::Medium,
            "high" => Self::High,
            "critical" | "crit" | "emergency" | "emer" => Self::Critical,
            _ => Self::Undefined,
        }
    }

    /// The name shown.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::Informational => "informational",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One rule that hit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Finding {
    /// How much its author makes of it.
    pub level: Level,
    /// The rule's title.
    pub rule: Box<str>,
    /// Tactics, spelt out, separated by commas; may be empty.
    pub tactic: Box<str>,
}

/// What rules found among a case's events.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    list: Vec<Finding>,
    events: HashMap<EventKey, Vec<u32>, foldhash::fast::RandomState>,
    /// Results read.
    pub results: u64,
    /// Results that met an event of the case.
    pub joined: u64,
}

/// Whether a source holds rules' results rather than events.
#[must_use]
pub fn holds_findings(source: &Ledger) -> bool {
    matches!(source.format.as_str(), "Hayabusa CSV" | "Hayabusa JSONL" | "Hayabusa Timesketch CSV" | "Chainsaw CSV")
}

/// Where results stand beside events of their own: such results are not scored, because they say the same again.
#[must_use]
pub(super) fn beside_events(sources: &[Ledger]) -> Vec<bool> {
    let events = sources.iter().any(|s| s.events > 0 && !holds_findings(s) && !s.is_timeline());
    sources.iter().map(|s| events && holds_findings(s)).collect()
}

/// What an event is known by: computer, channel (or the event ID where there is none) and record ID.
type Name = (String, String, u64);

fn name(computer: Option<&str>, place: String, record: u64) -> Name {
    (computer.unwrap_or_default().to_lowercase(), place, record)
}

#[derive(Default)]
struct Wanted {
    /// Findings and how many results each name stands for.
    names: HashMap<Name, (BTreeSet<u32>, u64)>,
    records: HashSet<u64>,
    codes: HashMap<Finding, u32>,
}

impl Findings {
    /// Reads every result of a case and joins it to the events.
    ///
    /// # Errors
    /// When the case cannot be read, or the job is cancelled.
    pub fn read(case: &Snapshot, control: &Control) -> Result<Self, RunError> {
        let sources: Vec<bool> = case.sources().iter().map(holds_findings).collect();
        let (mut findings, mut wanted) = (Self::default(), Wanted::default());
        if !sources.contains(&true) {
            return Ok(findings);
        }
        let is_result = |source: u32| sources.get(source as usize).copied().unwrap_or(false);
        case.scan_some(&is_result, true, control, &mut |batch| {
            for event in batch {
                findings.take(event, &mut wanted);
            }
            Ok(())
        })?;
        let mut met: HashSet<Name> = HashSet::new();
        case.scan_some(&|source| !is_result(source), false, control, &mut |batch| {
            for event in batch {
                findings.join(event, &wanted, &mut met);
            }
            Ok(())
        })?;
        findings.joined = met.iter().filter_map(|name| wanted.names.get(name)).map(|(_, results)| results).sum();
        Ok(findings)
    }

    fn take(&mut self, event: &EventRef<'_>, wanted: &mut Wanted) {
        self.results += 1;
        let Some(record) = event.record_id else { return };
        let place = match (event.channel.filter(|c| !c.is_empty()), event.event_id) {
            (Some(channel), _) => channel.to_lowercase(),
            (None, Some(id)) => format!("#{id}"),
            (None, None) => return,
        };
        let slot = wanted.names.entry(name(event.computer, place, record)).or_default();
        slot.1 += 1;
        wanted.records.insert(record);
        for finding in read(event) {
            let next = self.list.len() as u32;
            let code = *wanted.codes.entry(finding.clone()).or_insert(next);
            if code == next {
                self.list.push(finding);
            }
            slot.0.insert(code);
        }
    }

    fn join(&mut self, event: &EventRef<'_>, wanted: &Wanted, met: &mut HashSet<Name>) {
        let Some(record) = event.record_id.filter(|record| wanted.records.contains(record)) else { return };
        let places = [event.channel.map(str::to_lowercase), event.event_id.map(|id| format!("#{id}"))];
        for place in places.into_iter().flatten() {
            let name = name(event.computer, place, record);
            if let Some((codes, _)) = wanted.names.get(&name) {
                self.events.entry(event.key).or_default().extend(codes);
                met.insert(name);
            }
        }
    }

    /// Whether no rule found anything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.results == 0
    }

    /// What rules found in a subject's events: each rule once, the highest level first.
    #[must_use]
    pub fn of(&self, subject: &Subject) -> Vec<&Finding> {
        if self.events.is_empty() {
            return vec![];
        }
        let codes: BTreeSet<u32> = std::iter::once(&subject.key).chain(&subject.members).filter_map(|key| self.events.get(key)).flatten().copied().collect();
        let mut found: Vec<&Finding> = codes.into_iter().filter_map(|code| self.list.get(code as usize)).collect();
        found.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| a.rule.cmp(&b.rule)));
        found
    }

    /// The same as an export writes it.
    #[must_use]
    pub fn listed(&self, subject: &Subject) -> Value {
        let one = |f: &&Finding| serde_json::json!({ "rule": &*f.rule, "level": f.level.name(), "tactic": &*f.tactic });
        self.of(subject).iter().map(one).collect()
    }

    /// The highest level among them; `None` where no rule hit.
    #[must_use]
    pub fn highest(&self, subject: &Subject) -> Option<Level> {
        if self.events.is_empty() {
            return None;
        }
        let keys = std::iter::once(&subject.key).chain(&subject.members);
        keys.filter_map(|key| self.events.get(key)).flatten().filter_map(|code| self.list.get(*code as usize)).map(|f| f.level).max()
    }
}

/// The findings that one row of a result file tells.
fn read(event: &EventRef<'_>) -> Vec<Finding> {
    let fields: Value = serde_json::from_str(event.fields).unwrap_or_default();
    let cell = |wanted: &str| {
        let found = fields.as_object()?.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        Some(match found.1 {
            Value::String(text) => text.clone(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
            Value::Null => return None,
            other => other.to_string(),
        })
    };
    let level = Level::of(&cell("Level").or_else(|| event.level.map(str::to_owned)).unwrap_or_default());
    let tactic: Vec<&str> = vec![];
    let raw = cell("MitreTactics").unwrap_or_default();
    let tactic = raw.split([',', '¦']).map(str::trim).filter(|t| !t.is_empty() && *t != "-").fold(tactic, |mut all, t| {
        all.push(spelt_out(t));
        all
    });
    let titles = cell("RuleTitle").or_else(|| cell("detections")).or_else(|| cell("message")).unwrap_or_else(|| event.message.to_owned());
    let several = fields.get("detections").is_some();
    let rules: Vec<&str> = if several { titles.split([';', '\n']).collect() } else { vec![&titles] };
    let plain = |rule: &str| rule.trim_start_matches(['‣', '+', '-', ' ', '\t']).trim().to_owned();
    let rules = rules.into_iter().map(plain).filter(|rule| !rule.is_empty());
    rules.map(|rule| Finding { level, rule: rule.into(), tactic: tactic.join(", ").into() }).collect()
}

/// Hayabusa's short names of tactics.
fn spelt_out(short: &str) -> &str {
    match short {
        "InitAccess" => "Initial Access",
        "Exec" => "Execution",
        "Persis" => "Persistence",
        "PrivEsc" => "Privilege Escalation",
        "Evas" | "Stealth" => "Defense Evasion",
        "DefImpair" => "Impair Defenses",
        "CredAccess" => "Credential Access",
        "Disc" => "Discovery",
        "LatMov" => "Lateral Movement",
        "Collect" => "Collection",
        "C2" => "Command and Control",
        "Exfil" => "Exfiltration",
        "Recon" => "Reconnaissance",
        "ResDev" => "Resource Development",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_rules_levels_and_tactics() {
        let row = |fields: &'static str, level: Option<&'static str>| read(&EventRef { level, fields, ..EventRef::default() });
        let hayabusa = row(r#"{"RuleTitle":"Suspicious Schtasks","Level":"high  ","MitreTactics":"Persis ¦ Exec"}"#, Some("High"));
        assert_eq!(hayabusa, [Finding { level: Level::High, rule: "Suspicious Schtasks".into(), tactic: "Persistence, Execution".into() }]);
        let json = row(r#"{"RuleTitle":"X","Level":"crit","MitreTactics":["CredAccess"]}"#, None);
        assert_eq!((json[0].level, &*json[0].tactic), (Level::Critical, "Credential Access"));
        let chainsaw = row("{\"detections\":\"‣ One\\n‣ Two; Three\"}", None);
        assert_eq!(chainsaw.iter().map(|f| &*f.rule).collect::<Vec<_>>(), ["One", "Two", "Three"]);
        assert!(Level::Critical > Level::High && Level::of("nonsense") == Level::Undefined);
    }
}
