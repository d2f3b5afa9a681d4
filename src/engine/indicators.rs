//! A list of indicators (hashes, file names, addresses, domains, one a line) looked for in a case's events.
//!
//! An indicator is met as a whole word, whatever its case: `10.0.0.1` is not in `10.0.0.12`, `evil.example` is in `www.evil.example` and in
//! `http://evil.example/x`. One that holds blanks or slashes is met as it stands, anywhere.

use super::worker::Ranking;
use crate::case::Snapshot;
use crate::control::{Control, RunError};
use crate::domain::{EventKey, EventRef, EventStore};
use rayon::prelude::*;
use regex::{Regex, RegexBuilder};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

/// Bytes of a list, and indicators that hold blanks or slashes.
const BYTES: u64 = 64 << 20;
const PHRASES: usize = 5_000;
/// Letters of the shortest indicator: shorter ones are met everywhere.
const SHORTEST: usize = 4;
/// Events beyond which only ranked subjects are told.
const EVENTS: usize = 100_000;

/// The list.
pub struct Indicators {
    words: HashSet<Box<str>>,
    phrases: Option<Regex>,
    /// How many there are.
    pub listed: usize,
}

/// Where indicators were met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// Indicators looked for.
    pub listed: usize,
    /// Events that hold one.
    pub events: usize,
    /// Events and subjects that hold one, in order, with what they hold.
    pub marks: Vec<(EventKey, Vec<Box<str>>)>,
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '@' | '$' | '~')
}

impl Indicators {
    /// Reads a list: one a line; `#` begins a remark; of a table the first column counts. `[.]` and `hxxp` are read as they are meant.
    ///
    /// # Errors
    /// When it cannot be read, is too long, or holds no indicator.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let fault = |why: &str| RunError::failed(format!("the list of indicators {why}: {}", path.display()));
        let size = std::fs::metadata(path).map_err(|e| fault(&format!("cannot be read: {e}")))?.len();
        if size > BYTES {
            return Err(fault("is longer than 64 MiB; split it"));
        }
        let bytes = std::fs::read(path).map_err(|e| fault(&format!("cannot be read: {e}")))?;
        Self::of(&String::from_utf8_lossy(&bytes)).map_err(|why| fault(&why))
    }

    fn of(text: &str) -> Result<Self, String> {
        let (mut words, mut phrases) = (HashSet::new(), BTreeSet::new());
        for line in text.trim_start_matches('\u{feff}').lines() {
            let line = line.split([',', '\t', ';']).next().unwrap_or_default().trim().trim_matches(['"', '\'']);
            if line.starts_with('#') || line.starts_with("//") {
                continue;
            }
            let plain = line.replace("[.]", ".").replace("(.)", ".").replace("[:]", ":").to_lowercase();
            let plain = plain.replacen("hxxp", "http", 1);
            if plain.chars().count() < SHORTEST {
                continue;
            }
            if plain.chars().all(is_word) {
                words.insert(plain.trim_end_matches('.').into());
            } else {
                phrases.insert(plain);
            }
        }
        if phrases.len() > PHRASES {
            return Err(format!("holds {} indicators with blanks or slashes; at most {PHRASES} can be looked for at once", phrases.len()));
        }
        let listed = words.len() + phrases.len();
        if listed == 0 {
            return Err("holds none of at least four letters".into());
        }
        let escaped: Vec<String> = phrases.iter().map(|phrase| regex::escape(phrase)).collect();
        let phrases = (!escaped.is_empty()).then(|| RegexBuilder::new(&escaped.join("|")).case_insensitive(true).size_limit(256 << 20).build());
        Ok(Self { words, phrases: phrases.transpose().map_err(|e| format!("cannot be searched for: {e}"))?, listed })
    }

    /// The indicators in a text.
    fn within(&self, text: &str, found: &mut BTreeSet<Box<str>>) {
        for word in text.split(|c| !is_word(c)).filter(|word| word.len() >= SHORTEST) {
            let word = word.to_lowercase();
            self.parts(word.trim_matches(['.', ':', '-']), found);
        }
        if let Some(phrases) = &self.phrases {
            found.extend(phrases.find_iter(text).map(|hit| hit.as_str().to_lowercase().into()));
        }
    }

    /// The word itself, its pieces between colons (a port, a name of a hash), and the domains it lies in.
    fn parts(&self, word: &str, found: &mut BTreeSet<Box<str>>) {
        let mut meet = |text: &str| {
            if let Some(known) = self.words.get(text) {
                found.insert(known.clone());
            }
        };
        meet(word);
        for piece in word.split([':', '@']) {
            meet(piece);
            let mut rest = piece;
            while let Some((_, domain)) = rest.split_once('.') {
                if domain.contains('.') {
                    meet(domain);
                }
                rest = domain;
            }
        }
    }

    fn of_event(&self, event: &EventRef<'_>) -> Vec<Box<str>> {
        let mut found = BTreeSet::new();
        // JSON writes a backslash twice.
        let fields = if self.phrases.is_some() { event.fields.replace(r"\\", r"\") } else { String::new() };
        let texts = [Some(event.message), event.image, event.command_line, event.parent_image, event.computer, event.user];
        for text in texts.into_iter().flatten().chain([if fields.is_empty() { event.fields } else { fields.as_str() }]) {
            self.within(text, &mut found);
        }
        found.into_iter().collect()
    }

    /// Looks for them in every event, and tells the events and the subjects of rankings that hold one.
    ///
    /// # Errors
    /// When the case cannot be read, or the job is cancelled.
    pub fn meet(&self, case: &Snapshot, rankings: &[Ranking], control: &Control) -> Result<Met, RunError> {
        let (mut hits, mut done): (BTreeMap<EventKey, Vec<Box<str>>>, u64) = (BTreeMap::new(), 0);
        case.scan(true, control, &mut |batch| {
            let found: Vec<(EventKey, Vec<Box<str>>)> =
                batch.par_iter().map(|event| (event.key, self.of_event(event))).filter(|(_, found)| !found.is_empty()).collect();
            hits.extend(found);
            done += batch.len() as u64;
            control.progress("searching", "indicators", done, Some(case.events()), "events");
            Ok(())
        })?;
        let events = hits.len();
        let mut marks: BTreeMap<EventKey, BTreeSet<Box<str>>> = BTreeMap::new();
        for subject in rankings.iter().flat_map(|ranking| &ranking.report.subjects) {
            let held = std::iter::once(&subject.key).chain(&subject.members).filter_map(|key| hits.get(key)).flatten();
            let held: BTreeSet<Box<str>> = held.cloned().collect();
            if !held.is_empty() {
                marks.entry(subject.key).or_default().extend(held);
            }
        }
        if events <= EVENTS {
            for (key, held) in hits {
                marks.entry(key).or_default().extend(held);
            }
        } else {
            control.warn(format!("{events} events hold an indicator: only ranked subjects are marked; a narrower list marks events too"));
        }
        Ok(Met { listed: self.listed, events, marks: marks.into_iter().map(|(key, held)| (key, held.into_iter().collect())).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(list: &str, text: &str) -> Vec<String> {
        let mut found = BTreeSet::new();
        Indicators::of(list).unwrap().within(text, &mut found);
        found.into_iter().map(String::from).collect()
    }

    #[test]
    fn words_are_met_whole_and_domains_below_themselves() {
        let list = "# seen last week\n10[.]0.0.1\nevil.example, the domain\nEVIL.EXE\nd41d8cd98f00b204e9800998ecf8427e\n\nabc\n";
        assert_eq!(held(list, "to 10.0.0.1:445 from 10.0.0.12"), ["10.0.0.1"]);
        assert_eq!(held(list, "to 10.0.0.12 and 110.0.0.1"), [""; 0]);
        assert_eq!(held(list, "GET http://www.Evil.example/x, devil.example"), ["evil.example"]);
        assert_eq!(held(list, r"C:\Users\x\Evil.exe -k, notevil.exe"), ["evil.exe"]);
        assert_eq!(held(list, "SHA1=00,MD5=D41D8CD98F00B204E9800998ECF8427E"), ["d41d8cd98f00b204e9800998ecf8427e"]);
        assert_eq!(held(list, "evil.example."), ["evil.example"]);
    }

    #[test]
    fn phrases_are_met_as_they_stand() {
        let list = "evil tool.exe\nhxxp://bad.example/x.php\nC:\\Perf Logs\\";
        assert_eq!(held(list, r"ran C:\Temp\Evil Tool.exe from c:\perf logs\a"), ["c:\\perf logs\\", "evil tool.exe"]);
        assert_eq!(held(list, "GET HTTP://BAD.example/x.php?1"), ["http://bad.example/x.php"]);
    }

    #[test]
    fn a_list_of_nothing_is_refused() {
        assert!(Indicators::of("# only\na\n\n").is_err());
        assert_eq!(Indicators::of("\u{feff}one1\r\ntwo2\r\n").unwrap().listed, 2);
    }
}
