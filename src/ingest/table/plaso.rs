//! plaso's two tables, which are not RFC 4180: `l2tcsv` with its 17 fixed columns and a resolution of one second, `dynamic` with columns of choice.

use super::generic::{MAX_MESSAGE, timed};
use super::row::{Row, Slot, Wanted, word};
use super::times::Reading;
use crate::domain::Event;
use crate::ingest::message::plain;
use jiff::tz::TimeZone;
use std::collections::HashMap;

/// Zones kept by name; a hostile file cannot fill the memory with more.
const MAX_ZONES: usize = 256;

/// `l2tcsv`.
pub(super) struct L2tcsv {
    date: Slot,
    time: Slot,
    timezone: Slot,
    source: Slot,
    sourcetype: Slot,
    user: Slot,
    host: Slot,
    short: Slot,
    desc: Slot,
    filename: Slot,
    format: Slot,
    zones: HashMap<String, Option<Reading>>,
}

impl L2tcsv {
    pub(super) fn new(wanted: &mut Wanted) -> Self {
        let mut slot = |name| wanted.slot(name);
        Self {
            date: slot("date"),
            time: slot("time"),
            timezone: slot("timezone"),
            source: slot("source"),
            sourcetype: slot("sourcetype"),
            user: slot("user"),
            host: slot("host"),
            short: slot("short"),
            desc: slot("desc"),
            filename: slot("filename"),
            format: slot("format"),
            zones: HashMap::new(),
        }
    }

    pub(super) fn map(&mut self, row: &Row<'_>, out: &mut Vec<Event>) {
        let own = |slot| word(row.get(slot)).map(str::to_owned);
        let (desc, source) = (row.get(self.desc), row.get(self.source));
        let mut event = Event {
            record: row.record,
            offset: row.offset,
            computer: own(self.host),
            channel: own(self.sourcetype).or_else(|| own(self.source)),
            provider: own(self.format),
            user: own(self.user),
            event_id: windows_event(source, desc),
            image: object(source, desc, row.get(self.filename)),
            fields: row.fields(&[]),
            ..Event::default()
        };
        let said = [desc, row.get(self.short), row.get(self.filename)].into_iter().find_map(word);
        plain(said.unwrap_or_default(), MAX_MESSAGE, &mut event.message);
        let (date, time, zone) = (row.get(self.date).trim(), row.get(self.time).trim(), row.get(self.timezone).trim());
        let text = format!("{date} {time}");
        if let Some(reading) = self.zone(zone) {
            timed(&mut event, &text, reading);
        }
        if event.time.is_none() && !text.trim().is_empty() {
            event.time_text = Some(text.trim().to_owned());
        } else if event.time.is_some() && event.time_text.is_some() {
            event.time_text = Some(format!("{text} {zone}"));
        }
        out.push(event);
    }

    fn zone(&mut self, name: &str) -> Option<&Reading> {
        if self.zones.len() >= MAX_ZONES && !self.zones.contains_key(name) {
            return None;
        }
        self.zones
            .entry(name.to_owned())
            .or_insert_with(|| {
                let zone = match name {
                    "" | "-" | "UTC" | "Z" | "GMT" => Some(TimeZone::UTC),
                    name => TimeZone::get(name).ok(),
                };
                zone.map(|zone| Reading { zone, day_first: false })
            })
            .as_ref()
    }
}

/// `dynamic`.
pub(super) struct Dynamic {
    datetime: Slot,
    source: Slot,
    source_long: Slot,
    message: Slot,
    parser: Slot,
    display_name: Slot,
    host: Vec<Slot>,
    user: Vec<Slot>,
    reading: Reading,
}

impl Dynamic {
    pub(super) fn new(wanted: &mut Wanted) -> Self {
        let mut slot = |name: &str| wanted.slot(name);
        Self {
            datetime: slot("datetime"),
            source: slot("source"),
            source_long: slot("source_long"),
            message: slot("message"),
            parser: slot("parser"),
            display_name: slot("display_name"),
            host: vec![slot("hostname"), slot("host"), slot("computer_name")],
            user: vec![slot("username"), slot("user")],
            reading: Reading::default(),
        }
    }

    pub(super) fn map(&self, row: &Row<'_>, out: &mut Vec<Event>) {
        let own = |slot| word(row.get(slot)).map(str::to_owned);
        let (message, source) = (row.get(self.message), row.get(self.source));
        let mut event = Event {
            record: row.record,
            offset: row.offset,
            computer: row.first(&self.host).map(str::to_owned),
            channel: own(self.source_long).or_else(|| own(self.source)),
            provider: own(self.parser),
            user: row.first(&self.user).map(str::to_owned),
            event_id: windows_event(source, message),
            image: object(source, message, row.get(self.display_name)),
            fields: row.fields(&[]),
            ..Event::default()
        };
        plain(message, MAX_MESSAGE, &mut event.message);
        timed(&mut event, row.get(self.datetime), &self.reading);
        out.push(event);
    }
}

/// The event ID at the head of `[4624 / 0x1210] ...`.
pub(super) fn windows_event(source: &str, message: &str) -> Option<u32> {
    let inside = message.strip_prefix('[').filter(|_| source == "EVT" || source == "EVTX")?;
    inside.split_once(" /")?.0.trim().parse().ok()
}

/// The path that a row of the file system is about.
pub(super) fn object(source: &str, message: &str, file: &str) -> Option<String> {
    if !matches!(source, "FILE" | "MFT" | "META") {
        return None;
    }
    let after = |mark: &str| message.split_once(mark).map(|(_, rest)| rest);
    if let Some(hints) = after("Path hints: ") {
        // Several hints are one behind the other; the first is the name at the time.
        let end = hints.find(" \\").filter(|at| hints.get(..*at).is_some_and(|hint| hint.starts_with('\\'))).unwrap_or(hints.len());
        let end = hints.find("; ").map_or(end, |at| at.min(end));
        return hints.get(..end).and_then(word).map(str::to_owned);
    }
    if let Some(name) = after(" Name: ") {
        let end = name.find(" Parent file reference:").or_else(|| name.find(" Path hints:")).unwrap_or(name.len());
        return name.get(..end).and_then(word).map(str::to_owned);
    }
    // A change journal row begins with the name.
    if let Some((name, _)) = message.split_once(" File reference: ")
        && !name.contains(":/")
        && !name.contains(":\\")
    {
        return word(name).map(str::to_owned);
    }
    let path = word(file)?;
    let stores = ["OS:", "TSK:", "NTFS:", "VSS1:", "GZIP:", "APFS:", "EXT:", "FAT:"];
    Some(stores.iter().find_map(|store| path.strip_prefix(store)).unwrap_or(path).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_in_what_rows_say() {
        let mft =
            "OS:/e/$MFT File reference: 494-3 Attribute name: $FILE_NAME Name: A.JPG Parent file reference: 467-2 Path hints: \\Pictures\\my holiday\\A.JPG";
        assert_eq!(object("FILE", mft, "OS:/e/$MFT").as_deref(), Some("\\Pictures\\my holiday\\A.JPG"));
        let usn = "install.tmp File reference: 134110-12 Parent file reference: 244418-2 Update source:  Update reason: X";
        assert_eq!(object("FILE", usn, "NTFS:\\$Extend\\$UsnJrnl:$J").as_deref(), Some("install.tmp"));
        assert_eq!(object("FILE", "OS:/a/b.txt Type: file", "OS:/a/b.txt").as_deref(), Some("/a/b.txt"));
        assert_eq!(object("EVT", "[1 / 0x1]", "OS:/x.evtx"), None);
    }

    #[test]
    fn event_ids_are_read_from_event_rows_only() {
        assert_eq!(windows_event("EVT", "[4624 / 0x1210] Provider identifier: x"), Some(4624));
        assert_eq!(windows_event("FILE", "[4624 / 0x1210] x"), None);
    }
}
