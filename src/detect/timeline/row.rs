//! What a timeline row is about, whatever tool wrote it: the only file that knows columns.

use super::text::{object, paths};
use crate::domain::EventRef;
use sonic_rs::LazyValue;
use std::borrow::Cow;
use std::hash::BuildHasher;

/// MACB letters as bits.
pub(super) const MODIFIED: u8 = 8;
pub(super) const ACCESSED: u8 = 4;
pub(super) const CHANGED: u8 = 2;
pub(super) const BORN: u8 = 1;

/// What the entry of a file system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Entry {
    /// The row does not say.
    #[default]
    Unknown,
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A link.
    Link,
}

/// One row, understood.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// Parser, source type, attribute; of an event row provider and number.
    pub(super) kind: String,
    pub(super) macb: u8,
    /// The file, or the registry key, that the row is about; as found.
    pub(super) path: Option<String>,
    /// Paths and program names in the row's text.
    pub(super) named: Vec<String>,
    pub(super) inode: Option<u64>,
    pub(super) allocated: Option<bool>,
    pub(super) entry: Entry,
    /// From an event log.
    pub(super) event: bool,
    /// The same for all rows of one event-log record.
    pub(super) record: Option<u64>,
}

/// The columns that are looked at.
const NAMES: [&str; 22] = [
    "desc",
    "message",
    "Message",
    "timestamp_desc",
    "type",
    "Timestamp Description",
    "MACB",
    "macb",
    "Type",
    "filename",
    "display_name",
    "inode",
    "Inode",
    "meta",
    "Meta",
    "EntryNumber",
    "extra",
    "InUse",
    "mode_as_string",
    "Mode",
    "mode",
    "IsDirectory",
];

/// Their texts, sliced out of the row's JSON without a tree: of a column that stands twice the last.
struct Columns<'a>([Option<Cow<'a, str>>; NAMES.len()]);

impl<'a> Columns<'a> {
    fn of(json: &'a str) -> Self {
        let mut found = [const { None }; NAMES.len()];
        for (name, value) in sonic_rs::to_object_iter(json).map_while(Result::ok) {
            if let Some(slot) = NAMES.iter().position(|known| **known == *name).and_then(|at| found.get_mut(at)) {
                *slot = plain(&value);
            }
        }
        Self(found)
    }

    /// The first of these columns that is a text; none when that says nothing.
    fn first(&self, names: &[&str]) -> Option<&str> {
        let of = |name: &&str| NAMES.iter().position(|known| known == name).and_then(|at| self.0.get(at)?.as_deref());
        names.iter().find_map(of).map(str::trim).filter(|text| !text.is_empty())
    }
}

fn plain<'a>(value: &LazyValue<'a>) -> Option<Cow<'a, str>> {
    let raw = value.as_raw_cow();
    let inner = match &raw {
        Cow::Borrowed(raw) => raw.strip_prefix('"')?.strip_suffix('"').filter(|inner| !inner.contains('\\')).map(Cow::Borrowed),
        Cow::Owned(_) => None,
    };
    inner.or_else(|| sonic_rs::from_str::<String>(&raw).ok().map(Cow::Owned))
}

/// Reads one row.
pub(super) fn found(event: &EventRef<'_>) -> Found {
    let columns = Columns::of(event.fields);
    let text = |names: &[&str]| columns.first(names);
    let message = text(&["desc", "message", "Message"]).unwrap_or(event.message);
    let (parser, family) = (event.provider.unwrap_or_default(), event.channel.unwrap_or_default());
    let described = text(&["timestamp_desc", "type", "Timestamp Description"]).unwrap_or_default();
    let macb = text(&["MACB", "macb", "Type"]).and_then(letters).unwrap_or_else(|| from_words(described));
    let key = message.find("[HKEY_").and_then(|at| message.get(at + 1..)).and_then(|rest| rest.split(']').next());
    let mut out = Found { macb, event: event.event_id.is_some(), ..Found::default() };
    if let Some(number) = event.event_id {
        let provider = between(message, "Source Name: ", &[" Strings:", " Computer Name:", " Hostname:", " Message string:"]).unwrap_or(parser);
        out.kind = format!("event {provider} {number}");
        let record = between(message, "Record Number: ", &[" "]);
        out.record = record.map(|record| {
            let file = text(&["filename", "display_name"]);
            foldhash::fast::FixedState::default().hash_one((event.key.source, provider, number, record, file))
        });
    } else {
        let attribute = ["$FILE_NAME", "$STANDARD_INFORMATION"].into_iter().find(|name| message.contains(name)).unwrap_or_default();
        out.kind = [parser, family, attribute].join(" ");
    }
    out.path = match (key, event.image) {
        (Some(key), _) => Some(key.to_owned()),
        (None, Some(image)) => Some(image.to_owned()),
        (None, None) if event.event_id.is_none() && event.message == message => object(message).map(str::to_owned),
        (None, None) => None,
    };
    if event.image.is_none() || key.is_some() {
        out.named = paths(message);
    }
    out.inode =
        text(&["inode", "Inode", "meta", "Meta", "EntryNumber"]).and_then(first_number).or_else(|| between(message, "File reference: ", &["-"])?.parse().ok());
    let said = text(&["extra"]).unwrap_or_default();
    out.allocated = flag(said, "is_allocated: ").or_else(|| text(&["InUse"]).map(|use_| use_.eq_ignore_ascii_case("true")));
    if out.allocated.is_none() && (message.contains("(unallocated)") || message.contains("(deleted")) {
        out.allocated = Some(false);
    }
    out.entry = entry(said, message, text(&["mode_as_string", "Mode", "mode"]), text(&["IsDirectory"]));
    out
}

fn letters(text: &str) -> Option<u8> {
    let mut bits = 0;
    for letter in text.chars() {
        bits |= match letter {
            'M' | 'm' => MODIFIED,
            'A' | 'a' => ACCESSED,
            'C' | 'c' => CHANGED,
            'B' | 'b' => BORN,
            '.' => 0,
            _ => return None,
        };
    }
    Some(bits)
}

/// plaso's descriptions and MFTECmd's column names.
fn from_words(text: &str) -> u8 {
    let has = |words: &[&str], bit: u8| if words.iter().any(|word| text.contains(word)) { bit } else { 0 };
    has(&["Content Modification", "LastModified"], MODIFIED)
        | has(&["Access"], ACCESSED)
        | has(&["Metadata Modification", "RecordChange"], CHANGED)
        | has(&["Creation", "Created"], BORN)
}

fn between<'a>(text: &'a str, from: &str, until: &[&str]) -> Option<&'a str> {
    let rest = text.split_once(from)?.1;
    let end = until.iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
    rest.get(..end).filter(|text| !text.is_empty() && text.len() < 200)
}

fn first_number(text: &str) -> Option<u64> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn flag(text: &str, name: &str) -> Option<bool> {
    let rest = text.split_once(name)?.1;
    Some(rest.starts_with("True") || rest.starts_with("true") || rest.starts_with('1'))
}

fn entry(extra: &str, message: &str, mode: Option<&str>, directory: Option<&str>) -> Entry {
    let said = between(extra, "file_entry_type: ", &[";"]).or_else(|| between(message, " Type: ", &[" "]));
    match (said, mode, directory) {
        (Some("directory"), _, _) => Entry::Directory,
        (Some("link"), _, _) => Entry::Link,
        (Some("file"), _, _) => Entry::File,
        (_, _, Some(is)) => {
            if is.eq_ignore_ascii_case("true") {
                Entry::Directory
            } else {
                Entry::File
            }
        }
        (_, Some(mode), _) if mode.starts_with('d') => Entry::Directory,
        (_, Some(mode), _) if mode.starts_with('l') => Entry::Link,
        (_, Some(mode), _) if mode.starts_with('r') || mode.starts_with('-') => Entry::File,
        _ => Entry::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_row_names_its_record_and_its_programs() {
        let message = r"[5 / 0x0005] Provider identifier: {57} Source Name: Microsoft-Windows-Sysmon Strings: ['-'  'C:\\TMP\\p.exe'] Hostname: WS Record Number: 39 Event Level: 4";
        let fields = serde_json::json!({"desc": message, "MACB": "M..B"}).to_string();
        let row = found(&EventRef { event_id: Some(5), message, fields: &fields, ..EventRef::default() });
        assert_eq!((row.kind.as_str(), row.macb, row.path.as_deref(), row.event), ("event Microsoft-Windows-Sysmon 5", MODIFIED | BORN, None, true));
        assert_eq!(row.named, [r"C:\TMP\p.exe"]);
        let other = found(&EventRef { event_id: Some(5), message, fields: &fields.replace("M..B", "...B"), ..EventRef::default() });
        assert!(row.record.is_some() && row.record == other.record);
    }

    #[test]
    fn a_file_row_tells_inode_attribute_and_allocation() {
        let message = r"OS:/e/$MFT File reference: 494-3 Attribute name: $FILE_NAME Name: a.exe Path hints: \Temp\a.exe";
        let fields = serde_json::json!({"desc": message, "MACB": ".A..", "extra": "file_system_type: NTFS; is_allocated: False"}).to_string();
        let row = found(&EventRef {
            message,
            fields: &fields,
            image: Some(r"\Temp\a.exe"),
            provider: Some("mft"),
            channel: Some("NTFS file stat"),
            ..EventRef::default()
        });
        assert_eq!((row.kind.as_str(), row.inode, row.allocated, row.macb), ("mft NTFS file stat $FILE_NAME", Some(494), Some(false), ACCESSED));
        assert_eq!((row.path.as_deref(), row.named.len()), (Some(r"\Temp\a.exe"), 0));
    }

    #[test]
    fn odd_columns_do_no_harm() {
        for fields in ["", "[]", "{\"MACB\": 7}", "{\"MACB\": \"xyz\", \"inode\": \"-\"}"] {
            assert_eq!(found(&EventRef { message: "[HKEY_", fields, ..EventRef::default() }).inode, None);
        }
    }
}
