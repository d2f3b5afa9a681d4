//! Says an event in one line: a sentence for the events a responder meets daily, the values by name for the others.
//!
//! The sentences are knowledge, not code: `assets/event-sentences.tsv`, whose first lines say how they are written.

use super::values::{Values, text};
use crate::domain::Event;
use std::collections::HashMap;
use std::sync::LazyLock;

/// Longest value in a sentence, in characters.
const MAX_VALUE: usize = 400;
/// Longest value in a list of values, and longest list.
const MAX_LISTED: usize = 80;
const MAX_LIST: usize = 400;

static SENTENCES: LazyLock<HashMap<(&'static str, u32), Sentence>> = LazyLock::new(|| parse(include_str!("../../assets/event-sentences.tsv")));
static WORDS: LazyLock<HashMap<(&'static str, &'static str), &'static str>> = LazyLock::new(|| words(include_str!("../../assets/event-words.tsv")));

/// A piece of a sentence.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(&'static str),
    /// A value by name, said in words of this kind.
    Value(&'static str, &'static str),
    /// Left out when one of its values is not there.
    Optional(Vec<Piece>),
}

type Sentence = Vec<Piece>;

/// The event in words.
pub(super) fn message(event: &Event, values: &Values<'_>) -> String {
    let sentence = event.event_id.and_then(|id| [&event.provider, &event.channel].into_iter().flatten().find_map(|name| SENTENCES.get(&(name.as_str(), id))));
    if let Some(sentence) = sentence {
        let mut out = String::with_capacity(160);
        say(sentence, event, values, &mut out);
        return out;
    }
    let listed = list(values);
    if !listed.is_empty() {
        return listed;
    }
    let id = event.event_id.map_or_else(String::new, |id| format!(" {id}"));
    let mut out = String::new();
    plain(&format!("{} event{id}, without values", event.provider.as_deref().unwrap_or("Unnamed")), MAX_LIST, &mut out);
    out
}

fn say(pieces: &[Piece], event: &Event, values: &Values<'_>, out: &mut String) -> bool {
    let mut whole = true;
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Value(name, kind) => {
                if !say_value(name, kind, event, values, out) {
                    whole = false;
                    out.push('?');
                }
            }
            Piece::Optional(inner) => {
                let start = out.len();
                if !say(inner, event, values, out) {
                    out.truncate(start);
                }
            }
        }
    }
    whole
}

fn say_value(name: &str, kind: &str, event: &Event, values: &Values<'_>, out: &mut String) -> bool {
    let nth = name.strip_prefix('#').and_then(|digits| digits.parse::<usize>().ok());
    let value = match (name, nth) {
        (_, Some(nth)) => values.get("Data").and_then(|raw| nth_of(raw, nth)),
        ("~user", _) => event.user.clone(),
        ("~image", _) => event.image.clone(),
        _ => values.get(name).and_then(text).map(std::borrow::Cow::into_owned),
    };
    let Some(value) = value else { return false };
    let value = value.trim();
    if value.is_empty() || value == "-" || value == "%%1793" {
        return false;
    }
    let word = match kind {
        "" => value,
        // A place among several lines of `name=value`, as the classic PowerShell log writes them.
        line if line.ends_with('=') => match value.lines().find_map(|text| text.trim().strip_prefix(line)).map(str::trim) {
            Some(found) if !found.is_empty() => found,
            _ => return false,
        },
        "task" => return task(value, out),
        kind => WORDS.get(&(kind, value.to_ascii_lowercase().as_str())).copied().unwrap_or(value),
    };
    plain(word, MAX_VALUE, out);
    true
}

/// What a scheduled task's XML runs: its command and arguments.
fn task(xml: &str, out: &mut String) -> bool {
    let between = |name: &str| {
        // Some evidence holds the XML with its brackets escaped.
        [(format!("<{name}>"), "<"), (format!("&lt;{name}&gt;"), "&lt;")].into_iter().find_map(|(open, close)| {
            let (_, rest) = xml.split_once(&open)?;
            rest.split_once(close).map(|(inside, _)| inside.trim())
        })
    };
    let Some(command) = between("Command").or_else(|| between("ClassId")) else { return false };
    plain(command, MAX_VALUE, out);
    if let Some(arguments) = between("Arguments").filter(|text| !text.is_empty()) {
        out.push(' ');
        plain(arguments, MAX_VALUE, out);
    }
    true
}

fn nth_of(raw: &str, nth: usize) -> Option<String> {
    let item = sonic_rs::to_array_iter(raw).nth(nth.checked_sub(1)?)?.ok()?;
    text(&item.as_raw_cow()).map(std::borrow::Cow::into_owned)
}

/// All values as `name=value`, cut at a sensible length.
fn list(values: &Values<'_>) -> String {
    let mut out = String::with_capacity(MAX_LIST);
    for (name, raw) in values.iter() {
        let Some(value) = text(raw) else { continue };
        if value.is_empty() || value == "-" {
            continue;
        }
        if !out.is_empty() {
            out.push_str(", ");
        }
        if out.len() > MAX_LIST {
            out.push('…');
            break;
        }
        plain(name, MAX_LISTED, &mut out);
        out.push('=');
        plain(&value, MAX_LISTED, &mut out);
    }
    out
}

/// Appends at most `most` characters of `text`, runs of white space as one blank, other control characters escaped.
pub(super) fn plain(text: &str, most: usize, out: &mut String) {
    let sound = |pair: &[u8]| matches!(pair, [b'!'..=b'~' | b' ', b'!'..=b'~'] | [b'!'..=b'~', b' ']);
    let trimmed = text.trim();
    if trimmed.len() <= most && trimmed.len() > 1 && trimmed.as_bytes().windows(2).all(sound) {
        return out.push_str(trimmed);
    }
    let mut blank = false;
    for (at, c) in trimmed.chars().enumerate() {
        if at >= most {
            out.push('…');
            return;
        }
        if c.is_whitespace() {
            if !blank {
                out.push(' ');
            }
            blank = true;
            continue;
        }
        blank = false;
        if c.is_control() || is_bidi(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
}

/// Marks that turn the direction of text: they make a line read other than it is.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn rows(table: &'static str) -> impl Iterator<Item = [&'static str; 3]> {
    table.lines().filter(|line| !line.starts_with("//") && !line.is_empty()).filter_map(|line| {
        let mut cells = line.splitn(3, '\t');
        Some([cells.next()?, cells.next()?, cells.next()?])
    })
}

fn words(table: &'static str) -> HashMap<(&'static str, &'static str), &'static str> {
    rows(table).map(|[kind, value, word]| ((kind, value), word)).collect()
}

fn parse(table: &'static str) -> HashMap<(&'static str, u32), Sentence> {
    let mut sentences = HashMap::new();
    for [source, ids, sentence] in rows(table) {
        for id in ids.split(',').filter_map(|id| id.trim().parse().ok()) {
            let mut rest = sentence;
            sentences.insert((source, id), pieces(&mut rest, false));
        }
    }
    sentences
}

/// Reads pieces up to the end or, inside brackets, the closing one.
fn pieces(rest: &mut &'static str, inside: bool) -> Sentence {
    let mut out = Vec::new();
    while let Some(at) = rest.find(['{', '[', ']']) {
        let (before, mark) = rest.split_at(at);
        if !before.is_empty() {
            out.push(Piece::Text(before));
        }
        let (mark, after) = mark.split_at(1);
        *rest = after;
        match mark {
            "{" => {
                let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
                let (name, kind) = name.split_once(':').unwrap_or((name, ""));
                out.push(Piece::Value(name, kind));
                *rest = after;
            }
            "[" if !inside => out.push(Piece::Optional(pieces(rest, true))),
            _ if inside => return out,
            other => out.push(Piece::Text(other)),
        }
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
        *rest = "";
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(provider: &str, id: u32, values: &[(&'static str, &'static str)]) -> String {
        let mut list = Values::default();
        for (name, raw) in values {
            list.push(*name, *raw);
        }
        message(&Event { provider: Some(provider.into()), event_id: Some(id), ..Event::default() }, &list)
    }

    #[test]
    fn a_sentence_is_filled_in_and_its_optional_parts_fall_away() {
        let values =
            [("TargetUserName", "\"eve\""), ("TargetDomainName", "\"ACME\""), ("LogonType", "10"), ("IpAddress", "\"10.0.0.9\""), ("WorkstationName", "\"-\"")];
        let text = said("Microsoft-Windows-Security-Auditing", 4624, &values);
        assert!(text.contains("ACME\\eve") && text.contains("remote desktop") && text.contains("10.0.0.9"), "{text}");
        assert!(!text.contains('?') && !text.contains('-'), "{text}");
    }

    #[test]
    fn without_a_sentence_values_are_listed_in_one_line() {
        assert_eq!(said("Nobody", 1, &[("a", r#""x\ny""#), ("b", "2"), ("c", "null")]), "a=x y, b=2");
        assert_eq!(said("Nobody", 1, &[("a", r#""\u001b[31mred\u202e""#)]), "a=\\u{1b}[31mred\\u{202e}");
    }

    #[test]
    fn a_task_is_said_by_what_it_runs() {
        let xml = r#""<Task>\n<Actions><Exec><Command>powershell.exe</Command>\n<Arguments>-enc AAA</Arguments></Exec></Actions></Task>""#;
        let text = said("Microsoft-Windows-Security-Auditing", 4698, &[("TaskName", "\"\\\\Evil\""), ("TaskContent", xml)]);
        assert_eq!(text, "Scheduled task created: \\Evil, runs powershell.exe -enc AAA");
        let escaped = xml.replace('<', "&lt;").replace('>', "&gt;");
        let escaped: &'static str = Box::leak(escaped.into_boxed_str());
        assert_eq!(said("Microsoft-Windows-Security-Auditing", 4698, &[("TaskName", "\"\\\\Evil\""), ("TaskContent", escaped)]), text);
    }

    #[test]
    fn every_sentence_of_the_table_is_well_formed() {
        let table = include_str!("../../assets/event-sentences.tsv");
        for line in table.lines().filter(|line| !line.starts_with("//") && !line.is_empty()) {
            let cells: Vec<&str> = line.split('\t').collect();
            assert_eq!(cells.len(), 3, "{line}");
            assert!(cells[1].split(',').all(|id| id.trim().parse::<u32>().is_ok()), "{line}");
            assert_eq!(cells[2].matches('{').count(), cells[2].matches('}').count(), "{line}");
            assert_eq!(cells[2].matches('[').count(), cells[2].matches(']').count(), "{line}");
        }
        let kinds: std::collections::HashSet<_> = WORDS.keys().map(|(kind, _)| *kind).collect();
        let used = |pieces: &Sentence| {
            fn walk(pieces: &[Piece], out: &mut Vec<&'static str>) {
                for piece in pieces {
                    match piece {
                        Piece::Value(_, kind) => out.push(kind),
                        Piece::Optional(inner) => walk(inner, out),
                        Piece::Text(_) => {}
                    }
                }
            }
            let mut out = Vec::new();
            walk(pieces, &mut out);
            out
        };
        for (key, sentence) in SENTENCES.iter() {
            for kind in used(sentence) {
                assert!(kind.is_empty() || kind == "task" || kind.ends_with('=') || kinds.contains(kind), "{key:?}: {kind}");
            }
        }
        assert!(SENTENCES.len() > 80);
    }
}
