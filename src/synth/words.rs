//! Fills command lines and paths: `{user}`, `{n4}`, `{id8}`, `{pick:a|b}`... Braces that name nothing stay as they are, as GUIDs do.

use super::estate::{Estate, Host, User, pick, pick_often, word};
use super::tables::Tables;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use std::fmt::Write;

/// What a text is filled from.
pub(super) struct Setting<'a> {
    pub(super) tables: &'static Tables,
    pub(super) estate: &'a Estate,
    pub(super) host: &'a Host,
    pub(super) user: Option<&'a User>,
    /// The parent's arguments, for programs that hand them on.
    pub(super) args: &'a str,
    pub(super) time: i64,
}

impl Setting<'_> {
    /// Fills a text.
    pub(super) fn fill(&self, text: &str, rng: &mut ChaCha8Rng) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let Some(close) = matching(&rest[open..]) else { break };
            let inner = &rest[open + 1..open + close];
            if let Some(choices) = inner.strip_prefix("pick:") {
                let choices = split(choices);
                out.push_str(&self.fill(word(rng, &choices), rng));
            } else if !self.name(inner, &mut out, rng) {
                out.push('{');
                out.push_str(&self.fill(inner, rng));
                out.push('}');
            }
            rest = &rest[open + close + 1..];
        }
        out.push_str(rest);
        out
    }

    #[expect(clippy::format_push_string, reason = "formatting into a string with write! needs an error path that cannot happen")]
    fn name(&self, name: &str, out: &mut String, rng: &mut ChaCha8Rng) -> bool {
        let estate = self.estate;
        let owner = || self.user.unwrap_or(&estate.users[self.host.owner]);
        match name {
            "home" => match self.user {
                Some(user) => *out += &format!(r"C:\Users\{}", user.name),
                None => out.push_str(r"C:\Windows\system32\config\systemprofile"),
            },
            "user" => out.push_str(&owner().name),
            "sid" => out.push_str(&owner().sid),
            "docs" => match rng.random_range(0..3u8) {
                0 => *out += &format!(r"\\{}\{}", estate.server().name, owner().department),
                1 => *out += &format!(r"C:\Users\{}\OneDrive - {}", owner().name, estate.domain),
                _ => *out += &format!(r"C:\Users\{}\Documents", owner().name),
            },
            "doc" => {
                let words = &self.tables.words;
                out.push_str(pick_often(rng, &words.topics).as_str());
                if rng.random_bool(0.8) {
                    out.push(' ');
                    out.push_str(pick_often(rng, &words.things).as_str());
                }
                if rng.random_bool(0.12) {
                    *out += &format!(" {}", rng.random_range(100..9999));
                }
            }
            "ext" => out.push_str(pick_often(rng, &self.tables.words.extensions).as_str()),
            "site" => {
                if rng.random_bool(0.12) {
                    *out += &format!(
                        "{}{}.{}",
                        word(rng, &["shop-", "www.", "app.", "news.", "portal."]),
                        seldom(rng),
                        word(rng, &["com", "de", "net", "org", "io", "co.uk"])
                    );
                } else {
                    out.push_str(pick_often(rng, &self.tables.words.sites).as_str());
                }
            }
            "domain" => out.push_str(&estate.domain),
            "fqdn" => out.push_str(&estate.fqdn),
            "host" => out.push_str(&self.host.name),
            "anyhost" => out.push_str(&pick(rng, &estate.hosts).name),
            "anyuser" => out.push_str(&pick(rng, &estate.users).name),
            "dc" => out.push_str(&estate.dc().name),
            "server" => out.push_str(&estate.server().name),
            "ip" => out.push_str(&pick(rng, &estate.hosts).ip),
            "args" => out.push_str(self.args),
            "date" => out.push_str(&stamp(self.time)[..10]),
            "guid" => out.push_str(&guid_text(rng.random())),
            "b64" => {
                for _ in 0..rng.random_range(60..120) {
                    out.push(char::from(*pick(rng, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")));
                }
            }
            _ => return counted(name, out, rng),
        }
        true
    }
}

/// `n4`: four digits; `hex4`: four hexadecimal digits; `id4`: four letters or digits.
fn counted(name: &str, out: &mut String, rng: &mut ChaCha8Rng) -> bool {
    let digits = name.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
    let alphabet: &[u8] = match &name[..name.len() - digits.len()] {
        "n" => b"0123456789",
        "hex" => b"0123456789abcdef",
        "id" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        _ => return false,
    };
    let Ok(count) = digits.parse::<usize>() else { return false };
    for place in 0..count.min(64) {
        let from = usize::from(place == 0 && alphabet.len() == 10);
        out.push(char::from(alphabet[rng.random_range(from..alphabet.len())]));
    }
    true
}

/// A made-up word of two or three syllables.
pub(super) fn seldom(rng: &mut ChaCha8Rng) -> String {
    const SYLLABLES: [&str; 28] = [
        "ba", "ber", "bo", "ca", "cor", "da", "del", "fin", "ga", "gra", "ka", "ko", "la", "len", "mar", "mi", "mon", "na", "nor", "pa", "ra", "ri", "sol",
        "sta", "ta", "ter", "va", "vi",
    ];
    (0..rng.random_range(2..=3)).map(|_| *pick(rng, &SYLLABLES)).collect()
}

/// Offset of the brace that closes the one at the start.
fn matching(text: &str) -> Option<usize> {
    let mut depth = 0i32;
    for (at, letter) in text.char_indices() {
        depth += match letter {
            '{' => 1,
            '}' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// Splits at bars outside braces.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut from, mut depth) = (Vec::new(), 0, 0i32);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            '|' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// A time as Sysmon writes it: `2023-10-18 02:52:20.293`.
pub(super) fn stamp(ns: i64) -> String {
    let iso = crate::domain::time::iso(ns);
    format!("{} {}", iso.get(..10).unwrap_or_default(), iso.get(11..23).unwrap_or_default())
}

/// A GUID's bytes on disk as braced text.
pub(super) fn guid_text(guid: [u8; 16]) -> String {
    let mut text = String::from("{");
    for (place, at) in [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15].into_iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a string cannot fail.
        let _ = write!(text, "{:02x}", guid[at]);
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::estate::random;
    use crate::synth::tables::tables;

    #[test]
    fn names_are_filled_and_other_braces_stay() {
        let tables = tables().expect("compiled in");
        let estate = Estate::new(tables, 1000, 3);
        let host = &estate.hosts[2];
        let user = estate.users.first();
        let setting = Setting { tables, estate: &estate, host, user, args: "user x", time: 0 };
        let mut rng = random(1, 1);
        assert_eq!(setting.fill("{host} net1 {args}", &mut rng), format!("{} net1 user x", host.name));
        assert_eq!(setting.fill("{AB8902B4-09CA-4BB6}", &mut rng), "{AB8902B4-09CA-4BB6}");
        assert_eq!(setting.fill("{pick:{AB}|{AB}} {n4}", &mut rng).len(), 9);
        assert!(["a", "b c"].contains(&setting.fill("{pick:a{pick:|}|b c}", &mut rng).as_str()));
        assert_eq!(stamp(1_600_365_438_123_456_700), "2020-09-17 17:57:18.123");
        let guid = [0x25, 0x96, 0x84, 0x54, 0x78, 0x54, 0x94, 0x49, 0xa5, 0xba, 0x3e, 0x3b, 0x03, 0x28, 0xc3, 0x0d];
        assert_eq!(guid_text(guid), "{54849625-5478-4994-a5ba-3e3b0328c30d}");
    }
}
