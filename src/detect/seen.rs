//! On how many computers and with how many people tokens were seen: what more than one has shown may leave in a saved baseline, the rest may not.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Stands in a saved baseline for a token that may not leave; its number keeps such tokens apart.
pub(crate) fn private(number: usize) -> String {
    format!("\u{27e8}private {number}\u{27e9}")
}

/// Whether a text stands for a token that stayed behind.
pub(crate) fn is_private(text: &str) -> bool {
    text.starts_with("\u{27e8}private ") && text.ends_with('\u{27e9}')
}

/// Where and with whom a token was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Witness {
    computer: u64,
    /// `None` = nobody in particular: no user, or a service account that every computer has.
    person: Option<u64>,
}

impl Witness {
    /// A computer counts by its name without the domain, so that one in two spellings is one.
    pub(crate) fn new(computer: Option<&str>, user: Option<&str>) -> Self {
        let computer = computer.unwrap_or_default();
        let short = computer.split('.').next().unwrap_or(computer).to_lowercase();
        Self { computer: hash(&short), person: user.map(str::to_lowercase).filter(|user| is_person(user)).map(|user| hash(&user)) }
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn is_person(user: &str) -> bool {
    let (domain, name) = user.rsplit_once('\\').unwrap_or(("", user));
    let service =
        matches!(name, "" | "-" | "system" | "local service" | "network service" | "anonymous logon" | "s-1-5-18" | "s-1-5-19" | "s-1-5-20" | "s-1-5-7");
    !(service || name.ends_with('$') || matches!(domain, "window manager" | "font driver host" | "nt authority" | "nt service"))
}

#[derive(Clone, Copy, Debug)]
struct Sighting {
    first: Witness,
    computers: bool,
    /// More than one person, or nobody in particular.
    people: bool,
}

/// Sightings of tokens.
#[derive(Clone, Debug)]
pub(crate) struct Seen<K>(HashMap<K, Sighting, foldhash::fast::RandomState>);

impl<K> Default for Seen<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Eq + Hash> Seen<K> {
    /// Notes one sighting.
    pub(crate) fn note(&mut self, token: K, witness: Witness) {
        let sighting = self.0.entry(token).or_insert(Sighting { first: witness, computers: false, people: witness.person.is_none() });
        sighting.computers |= sighting.first.computer != witness.computer;
        sighting.people |= witness.person.is_none() || sighting.first.person != witness.person;
    }

    /// Whether more than one computer has shown the token, and not one person alone.
    pub(crate) fn is_shared(&self, token: &K) -> bool {
        self.0.get(token).is_some_and(|s| s.computers && s.people)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_one_computer_or_one_person_alone_may_not_leave() {
        let mut seen = Seen::default();
        let cases = [
            ("one computer", vec![("WS1", Some("CORP\\ada")), ("ws1.corp.example", Some("CORP\\bob"))], false),
            ("one person", vec![("WS1", Some("CORP\\ada")), ("WS2", Some("corp\\ADA"))], false),
            ("two of both", vec![("WS1", Some("CORP\\ada")), ("WS2", Some("CORP\\bob"))], true),
            ("services", vec![("WS1", Some("NT AUTHORITY\\SYSTEM")), ("WS2", Some("NT AUTHORITY\\SYSTEM"))], true),
            ("nobody", vec![("WS1", None), ("WS2", None)], true),
            ("one person and a service", vec![("WS1", Some("CORP\\ada")), ("WS2", Some("WS2$"))], true),
        ];
        for (token, witnesses, shared) in &cases {
            for (computer, user) in witnesses {
                seen.note(*token, Witness::new(Some(computer), *user));
            }
            assert_eq!(seen.is_shared(token), *shared, "{token}");
        }
        assert!(!seen.is_shared(&"never seen"));
    }
}
