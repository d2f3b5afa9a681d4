//! Reads a row by what its format's entry says of its columns. Serves most formats, and every table that is unknown.

use super::hayabusa;
use super::row::{Row, Slot, Wanted, word};
use super::spec::Spec;
use super::times::Reading;
use crate::domain::Event;
use crate::ingest::message::plain;

/// Longest message.
pub(super) const MAX_MESSAGE: usize = 2000;

/// Columns of a format, found.
pub(super) struct Generic {
    reading: Reading,
    time: Vec<(Slot, String)>,
    message: Vec<Slot>,
    computer: Vec<Slot>,
    user: Vec<Slot>,
    channel: Vec<Slot>,
    provider: Vec<Slot>,
    event_id: Vec<Slot>,
    record_id: Vec<Slot>,
    level: Vec<Slot>,
    image: Vec<Slot>,
    command_line: Vec<Slot>,
    family: Option<String>,
    tool: Option<String>,
    abbreviated: bool,
}

impl Generic {
    pub(super) fn new(spec: &Spec, name: &str, reading: Reading, wanted: &mut Wanted) -> Self {
        Self {
            reading,
            time: spec.time.0.iter().map(|name| (wanted.slot(name), name.clone())).collect(),
            message: wanted.slots(&spec.message.0),
            computer: wanted.slots(&spec.computer.0),
            user: wanted.slots(&spec.user.0),
            channel: wanted.slots(&spec.channel.0),
            provider: wanted.slots(&spec.provider.0),
            event_id: wanted.slots(&spec.event_id.0),
            record_id: wanted.slots(&spec.record_id.0),
            level: wanted.slots(&spec.level.0),
            image: wanted.slots(&spec.image.0),
            command_line: wanted.slots(&spec.command_line.0),
            family: spec.family.clone(),
            tool: spec.tool.clone(),
            abbreviated: name.starts_with("Hayabusa"),
        }
    }

    /// Columns of time.
    pub(super) fn times(&self) -> impl Iterator<Item = Slot> {
        self.time.iter().map(|(slot, _)| *slot)
    }

    /// Columns that say the row in words.
    pub(super) fn words(&self) -> &[Slot] {
        &self.message
    }

    /// Everything but time, fields and part.
    pub(super) fn base(&self, row: &Row<'_>) -> Event {
        let own = |slots: &[Slot]| row.first(slots).map(str::to_owned);
        let number = |slots: &[Slot]| row.first(slots).and_then(|text| text.trim_end_matches(".0").parse::<u64>().ok());
        let mut event = Event {
            record: row.record,
            offset: row.offset,
            computer: own(&self.computer),
            channel: own(&self.channel).or_else(|| self.family.clone()),
            provider: own(&self.provider).or_else(|| self.tool.clone()),
            event_id: number(&self.event_id).and_then(|id| u32::try_from(id).ok()),
            record_id: number(&self.record_id),
            level: own(&self.level),
            user: own(&self.user),
            image: self.path(row),
            command_line: own(&self.command_line),
            ..Event::default()
        };
        if self.abbreviated {
            hayabusa::spell_out(&mut event);
        }
        event.message = self.said(row);
        event
    }

    fn said(&self, row: &Row<'_>) -> String {
        let mut out = String::new();
        for text in self.message.iter().filter_map(|slot| word(row.get(*slot))) {
            if !out.is_empty() {
                out.push_str(" · ");
            }
            plain(text, MAX_MESSAGE, &mut out);
        }
        if out.is_empty() { row.list() } else { out }
    }

    /// The columns of a path, joined.
    pub(super) fn path(&self, row: &Row<'_>) -> Option<String> {
        let mut path = String::new();
        for part in self.image.iter().filter_map(|slot| word(row.get(*slot))) {
            if !path.is_empty() && !path.ends_with(['\\', '/']) {
                path.push('\\');
            }
            path.push_str(part);
        }
        let bare = if path.starts_with(".\\") || path.starts_with("./") { path.get(1..) } else { Some(path.as_str()) };
        bare.map(super::bodyfile::path).filter(|path| !path.is_empty()).map(str::to_owned)
    }

    /// The row's events: one, or one for each distinct instant.
    pub(super) fn map(&self, row: &Row<'_>, out: &mut Vec<Event>) {
        let base = self.base(row);
        if let [(slot, _)] = self.time.as_slice() {
            let text = row.get(*slot);
            let mut event = Event { fields: row.fields(&[]), ..base };
            timed(&mut event, text, &self.reading);
            out.push(event);
            return;
        }
        let stamps = self.time.iter().map(|(slot, name)| (name.as_str(), row.get(*slot)));
        distinct(row, &base, stamps, &self.reading, out);
    }
}

/// Sets an event's time from its text.
pub(super) fn timed(event: &mut Event, text: &str, reading: &Reading) {
    let time = reading.read(text);
    event.time = time.map(|time| time.ns);
    if !time.is_some_and(|time| time.plain) && !text.trim().is_empty() {
        event.time_text = Some(text.trim().to_owned());
    }
}

/// One event for each distinct instant among named stamps, in time order; each says in `fields` which stamps it stands for.
/// A row without any usable instant is one event without time.
pub(super) fn distinct<'s>(row: &Row<'_>, base: &Event, stamps: impl Iterator<Item = (&'s str, &'s str)>, reading: &Reading, out: &mut Vec<Event>) {
    let mut instants: Vec<(i64, Vec<&str>)> = Vec::new();
    let mut unread = None;
    for (name, text) in stamps {
        match reading.read(text) {
            Some(time) => match instants.iter_mut().find(|(ns, _)| *ns == time.ns) {
                Some((_, names)) => names.push(name),
                None => instants.push((time.ns, vec![name])),
            },
            None => unread = unread.or_else(|| word(text)),
        }
    }
    instants.sort_by_key(|(ns, _)| *ns);
    if instants.is_empty() {
        out.push(Event { time_text: unread.map(str::to_owned), fields: row.fields(&[]), ..base.clone() });
    }
    for (part, (ns, names)) in (0u32..).zip(instants) {
        let described = names.join(", ");
        let macb = macb(&names);
        let mut message = base.message.clone();
        message.push_str(" [");
        plain(&described, 200, &mut message);
        message.push(']');
        let mut more = vec![("timestamp_desc", described.as_str())];
        if macb != "...." {
            more.push(("MACB", macb.as_str()));
        }
        out.push(Event { time: Some(ns), part, message, fields: row.fields(&more), ..base.clone() });
    }
}

/// Which of modified, accessed, changed, born some stamps are, by their names.
pub(super) fn macb(names: &[&str]) -> String {
    let mut letters = ['.'; 4];
    for name in names {
        let name = name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let place = if has(&["recordchange", "recordmodified", "ctime", "entry", "metadata", "lastchange"]) && !has(&["crtime"]) {
            2
        } else if has(&["creat", "crtime", "birth", "born"]) {
            3
        } else if has(&["access", "atime"]) {
            1
        } else if has(&["modif", "mtime", "write"]) {
            0
        } else {
            continue;
        };
        if let (Some(letter), Some(sign)) = (letters.get_mut(place), "macb".chars().nth(place)) {
            *letter = sign;
        }
    }
    letters.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_from_names() {
        assert_eq!(macb(&["Created0x10", "LastModified0x30"]), "m..b");
        assert_eq!(macb(&["LastRecordChange0x10", "LastAccess0x10"]), ".ac.");
        assert_eq!(macb(&["atime", "mtime", "ctime", "crtime"]), "macb");
        assert_eq!(macb(&["SI Entry Time", "When"]), "..c.");
    }
}
