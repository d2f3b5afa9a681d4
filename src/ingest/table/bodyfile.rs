//! The Sleuth Kit's body file: eleven columns between pipes, names that may hold pipes themselves, four times in seconds.

use super::generic::{distinct, macb};
use super::row::{Body, Header, Row, Wanted};
use super::split::Cells;
use super::times::Reading;
use crate::domain::Event;
use crate::ingest::message::plain;
use std::borrow::Cow;

/// Columns, as The Sleuth Kit's documentation names them.
pub(super) const COLUMNS: [&str; 11] = ["MD5", "name", "inode", "mode_as_string", "UID", "GID", "size", "atime", "mtime", "ctime", "crtime"];
const TIMES: [(usize, &str); 4] = [(7, "atime"), (8, "mtime"), (9, "ctime"), (10, "crtime")];

/// The header that a body file does not have.
pub(super) fn header(wanted: &Wanted) -> Header {
    Header::new(&COLUMNS.map(str::to_owned), wanted)
}

/// Splits a line: the first column from the left, the last nine from the right, what is between them is the name.
pub(super) fn split(line: &str, cells: &mut Cells) -> bool {
    let line = super::lines::without_end(line);
    // Some writers quote lines whose names are odd.
    let unquoted = line.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).map(|inner| Cow::Owned(inner.replace("\"\"", "\"")));
    let line = unquoted.unwrap_or(Cow::Borrowed(line));
    let mut right: Vec<&str> = line.rsplitn(10, '|').collect();
    let Some((md5, name)) = right.pop().and_then(|left| left.split_once('|')) else { return false };
    let times = right.iter().take(4).all(|text| text.is_empty() || Reading::seconds(text).is_some());
    if right.len() != 9 || !times {
        return false;
    }
    let name = name.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(name);
    cells.clear();
    for cell in [md5, name].into_iter().chain(right.into_iter().rev()) {
        cells.add(cell);
    }
    true
}

/// Whether a line looks like a body file's.
pub(super) fn is(line: &str) -> bool {
    let mut cells = Cells::default();
    let times = |cells: &Cells| TIMES.iter().all(|(at, _)| cells.get(*at).is_some_and(|text| Reading::seconds(text).is_some()));
    split(line, &mut cells) && times(&cells) && cells.get(6).is_some_and(|size| size.parse::<u64>().is_ok())
}

/// One event for each distinct time that is set.
pub(super) fn map(row: &Row<'_>, out: &mut Vec<Event>) {
    let Body::Cells(_, cells) = &row.body else { return };
    let name = decode(cells.get(1).unwrap_or_default());
    let mut base = Event {
        record: row.record,
        offset: row.offset,
        channel: Some("Filesystem".into()),
        provider: Some("bodyfile".into()),
        image: Some(path(&name).to_owned()),
        ..Event::default()
    };
    plain(&name, super::generic::MAX_MESSAGE, &mut base.message);
    let mut instants: Vec<(i64, Vec<&str>)> = Vec::new();
    for (at, name) in TIMES {
        let Some(ns) = cells.get(at).and_then(Reading::seconds).filter(|ns| *ns != 0) else { continue };
        match instants.iter_mut().find(|(known, _)| *known == ns) {
            Some((_, names)) => names.push(name),
            None => instants.push((ns, vec![name])),
        }
    }
    instants.sort_by_key(|(ns, _)| *ns);
    if instants.is_empty() {
        // Zero is how the format says "not set"; a time too far out keeps its text.
        distinct(row, &base, TIMES.iter().map(|(at, name)| (*name, cells.get(*at).unwrap_or_default())), &Reading::default(), out);
    }
    for (part, (ns, names)) in (0u32..).zip(instants) {
        let letters = macb(&names);
        let fields = row.fields(&[("timestamp_desc", &names.join(", ")), ("MACB", &letters)]);
        out.push(Event { time: Some(ns), part, message: format!("{} [{letters}]", base.message), fields, ..base.clone() });
    }
}

/// `%XX` decoded.
pub(super) fn decode(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return name.into();
    }
    let mut out = Vec::with_capacity(name.len());
    let mut bytes = name.as_bytes();
    while let Some((first, rest)) = bytes.split_first() {
        let digits = rest.get(..2).and_then(|pair| std::str::from_utf8(pair).ok()).filter(|pair| pair.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if let Some(byte) = digits.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| *first == b'%') {
            out.push(byte);
            bytes = rest.get(2..).unwrap_or_default();
        } else {
            out.push(*first);
            bytes = rest;
        }
    }
    super::encoding::text(&out).into_owned().into()
}

/// A name without what tools write behind it.
pub(super) fn path(name: &str) -> &str {
    let mut path = name;
    for mark in [" (deleted-realloc)", " (deleted)", " ($FILE_NAME)"] {
        path = path.strip_suffix(mark).unwrap_or(path);
    }
    path.split_once(" -> ").map_or(path, |(link, _)| link)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_pipes_and_codes() {
        let line = "0|c:/a|b%7Cc.txt ($FILE_NAME)|12-128-1|r/rrwxrwxrwx|0|0|10|1.5|2|0|3\r\n";
        let mut cells = Cells::default();
        assert!(split(line, &mut cells) && is(line));
        assert_eq!(cells.get(1), Some("c:/a|b%7Cc.txt ($FILE_NAME)"));
        assert_eq!(path(&decode("c:/a|b%7Cc.txt ($FILE_NAME)")), "c:/a|b|c.txt");
        assert_eq!(decode("100% and %zz %41"), "100% and %zz A");
        assert!(!is("a|b|c"));
        assert!(!is("0|n|1|r|0|0|1|x|2|0|3"));
    }

    #[test]
    fn a_line_is_one_event_for_each_distinct_time_that_is_set() {
        let wanted = Wanted::default();
        let header = header(&wanted);
        let mut cells = Cells::default();
        assert!(split("0|/x|1|r|0|0|1|100|200|100|0", &mut cells));
        let mut out = Vec::new();
        map(&Row { record: 1, offset: None, body: Body::Cells(&header, &cells) }, &mut out);
        let seen: Vec<_> = out.iter().map(|event| (event.time, event.part, event.message.as_str())).collect();
        assert_eq!(seen, [(Some(100_000_000_000), 0, "/x [.ac.]"), (Some(200_000_000_000), 1, "/x [m...]")]);
        assert!(split("0|/x|1|r|0|0|1|0|0|0|0", &mut cells));
        out.clear();
        map(&Row { record: 1, offset: None, body: Body::Cells(&header, &cells) }, &mut out);
        assert_eq!((out.len(), out[0].time, out[0].time_text.as_deref()), (1, None, Some("0")));
    }
}
