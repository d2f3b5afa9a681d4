//! Turns a record, rendered as JSON by the `evtx` crate, into an event.
//!
//! JSON rather than the crate's typed values: those come without names. Values are sliced out of it, not parsed into a tree.

use super::json::Cursor;
use crate::domain::{Event, time};
use crate::ingest::values::{Values, quote, text};
use crate::ingest::windows;
use std::borrow::Cow;

/// Nested elements are flattened this deep.
const MAX_DEPTH: usize = 16;

/// The event in a record's JSON. `header_time` is the record header's time, used where the event itself states none.
///
/// # Errors
/// The JSON is not what the parser writes.
pub(super) fn from_json(json: &[u8], header_time: Option<i64>) -> Result<Event, String> {
    let json = std::str::from_utf8(json).map_err(|_| "its text is not UTF-8")?;
    let mut event = Event::default();
    let mut system = System::default();
    let mut values = Values::with_capacity(24);
    let mut cursor = Cursor::new(json);
    if !cursor.enter() {
        return Err("its JSON is no object".into());
    }
    while let Some(name) = cursor.name()? {
        if name != "Event" || !cursor.enter() {
            element(&mut values, "", name, &mut cursor, 0)?;
            continue;
        }
        while let Some(name) = cursor.name()? {
            match &*name {
                "#attributes" => drop(cursor.value()?),
                "System" => system.read(&mut cursor, &mut event)?,
                "EventData" => event_data(&mut values, &mut cursor)?,
                "UserData" => user_data(&mut values, &mut cursor)?,
                _ => element(&mut values, &name.clone(), name, &mut cursor, 0)?,
            }
        }
    }
    set_time(&mut event, system.time.as_deref(), header_time);
    windows::complete(&mut event, &values, system.user.as_deref());
    event.fields.reserve_exact(values.written().saturating_add(system.members.len()).saturating_add(16));
    event.fields.push('{');
    values.write_members(&mut event.fields);
    if !system.members.is_empty() {
        event.fields.push_str(if event.fields.len() > 1 { ",\"System\":{" } else { "\"System\":{" });
        event.fields.push_str(&system.members);
        event.fields.push('}');
    }
    event.fields.push('}');
    Ok(event)
}

fn set_time(event: &mut Event, stated: Option<&str>, header_time: Option<i64>) {
    match stated.map(str::trim).filter(|text| !text.is_empty()) {
        None => event.time = header_time,
        Some(text) => {
            event.time = time::parse(text);
            if event.time.is_none() {
                event.time_text = Some(text.to_owned());
            }
        }
    }
}

/// `EventData`: named values as found, unnamed ones in one array.
fn event_data<'a>(values: &mut Values<'a>, cursor: &mut Cursor<'a>) -> Result<(), String> {
    if !cursor.enter() {
        let raw = cursor.value()?;
        if raw != "null" && raw != "\"\"" {
            values.push("EventData", raw);
        }
        return Ok(());
    }
    while let Some(name) = cursor.name()? {
        match &*name {
            "#attributes" => attributes(values, "EventData", cursor)?,
            "Data" => data(values, cursor)?,
            "#text" => values.push("EventData", cursor.value()?),
            _ => element(values, "EventData", name, cursor, 0)?,
        }
    }
    Ok(())
}

fn data<'a>(values: &mut Values<'a>, cursor: &mut Cursor<'a>) -> Result<(), String> {
    let mut inner = None;
    if cursor.enter() {
        while let Some(name) = cursor.name()? {
            match &*name {
                "#text" => inner = Some(cursor.value()?),
                "#attributes" => attributes(values, "Data", cursor)?,
                _ => element(values, "Data", name, cursor, 0)?,
            }
        }
    } else {
        inner = Some(cursor.value()?);
    }
    if let Some(raw) = inner.filter(|raw| *raw != "null") {
        let array: Cow<'a, str> = if raw.starts_with('[') { raw.into() } else { format!("[{raw}]").into() };
        values.push("Data", array);
    }
    Ok(())
}

/// `UserData`: its container's leaves.
fn user_data<'a>(values: &mut Values<'a>, cursor: &mut Cursor<'a>) -> Result<(), String> {
    if !cursor.enter() {
        return cursor.value().map(drop);
    }
    while let Some(name) = cursor.name()? {
        if name == "#attributes" {
            cursor.value()?;
        } else {
            element(values, "UserData", name, cursor, 0)?;
        }
    }
    Ok(())
}

/// One element: its text under its name, its attributes as `name@attribute`, its children the same way under their own names.
fn element<'a>(values: &mut Values<'a>, container: &str, name: Cow<'a, str>, cursor: &mut Cursor<'a>, depth: usize) -> Result<(), String> {
    if depth >= MAX_DEPTH || !cursor.enter() {
        let raw = cursor.value()?;
        if depth == 0 && container == "EventData" {
            values.push(name, raw);
        } else {
            values.push_beside(container, name, raw);
        }
        return Ok(());
    }
    while let Some(child) = cursor.name()? {
        match &*child {
            "#text" => values.push_beside(container, name.clone(), cursor.value()?),
            "#attributes" => attributes(values, &name, cursor)?,
            _ => element(values, &name, child, cursor, depth.saturating_add(1))?,
        }
    }
    Ok(())
}

fn attributes<'a>(values: &mut Values<'a>, element: &str, cursor: &mut Cursor<'a>) -> Result<(), String> {
    if !cursor.enter() {
        return cursor.value().map(drop);
    }
    while let Some(name) = cursor.name()? {
        let raw = cursor.value()?;
        if !name.starts_with("xmlns") {
            values.push_beside("", format!("{element}@{name}"), raw);
        }
    }
    Ok(())
}

/// What `System` says beside the columns.
#[derive(Default)]
struct System {
    time: Option<String>,
    user: Option<String>,
    /// Members of the JSON object for `fields`.
    members: String,
}

impl System {
    fn read(&mut self, cursor: &mut Cursor<'_>, event: &mut Event) -> Result<(), String> {
        if !cursor.enter() {
            return cursor.value().map(drop);
        }
        self.members.reserve(512);
        while let Some(name) = cursor.name()? {
            if cursor.enter() {
                self.compound(event, &name, cursor)?;
                continue;
            }
            let raw = cursor.value()?;
            if raw != "null" {
                column(event, &name, raw);
                self.write(&name, raw);
            }
        }
        Ok(())
    }

    /// An element with attributes: an object of them, unless it has a text too.
    fn compound(&mut self, event: &mut Event, name: &str, cursor: &mut Cursor<'_>) -> Result<(), String> {
        while let Some(child) = cursor.name()? {
            let raw = cursor.value()?;
            match &*child {
                "#attributes" => self.attributes(event, name, raw)?,
                "#text" => {
                    column(event, name, raw);
                    self.write(name, raw);
                }
                _ => self.write(&format!("{name}.{child}"), raw),
            }
        }
        Ok(())
    }

    fn attributes(&mut self, event: &mut Event, name: &str, raw: &str) -> Result<(), String> {
        let mut cursor = Cursor::new(raw);
        if cursor.enter() {
            while let Some(attribute) = cursor.name()? {
                let raw = cursor.value()?;
                match (name, &*attribute) {
                    ("Provider", "Name") => event.provider = owned(raw),
                    ("TimeCreated", "SystemTime") => self.time = owned(raw),
                    ("Security", "UserID") => self.user = owned(raw),
                    ("EventID", _) => self.write("EventID@Qualifiers", raw),
                    _ => {}
                }
            }
        }
        if name != "EventID" {
            self.write(name, raw);
        }
        Ok(())
    }

    fn write(&mut self, name: &str, raw: &str) {
        if !self.members.is_empty() {
            self.members.push(',');
        }
        quote(name, &mut self.members);
        self.members.push(':');
        self.members.push_str(raw);
    }
}

fn column(event: &mut Event, name: &str, raw: &str) {
    let number = || text(raw).and_then(|text| text.trim().parse::<u64>().ok());
    match name {
        "EventID" => event.event_id = number().and_then(|id| u32::try_from(id).ok()),
        "EventRecordID" => event.record_id = number(),
        "Level" => event.level = number().map(windows::level),
        "Channel" => event.channel = owned(raw),
        "Computer" => event.computer = owned(raw),
        _ => {}
    }
}

fn owned(raw: &str) -> Option<String> {
    text(raw).filter(|text| !text.is_empty()).map(Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYSTEM: &str = r##""System":{"Provider":{"#attributes":{"Name":"P"}},"EventID":{"#attributes":{"Qualifiers":16384},"#text":7036},"Level":4,
        "TimeCreated":{"#attributes":{"SystemTime":"2020-09-17T17:57:18.1234567Z"}},"EventRecordID":9,"Correlation":null,
        "Execution":{"#attributes":{"ProcessID":4,"ThreadID":8}},"Channel":"System","Computer":"WS1","Security":{"#attributes":{"UserID":"S-1-5-18"}}}"##;

    fn read(rest: &str) -> Event {
        let json = format!(r##"{{"Event":{{"#attributes":{{"xmlns":"x"}},{SYSTEM}{rest}}}}}"##);
        from_json(json.as_bytes(), Some(1)).unwrap()
    }

    fn fields(event: &Event) -> serde_json::Value {
        serde_json::from_str(&event.fields).unwrap()
    }

    #[test]
    fn system_becomes_columns_and_an_object() {
        let event = read(r##","EventData":{"#attributes":{"Name":"N"},"param1":"a\\b","Data_x":null}"##);
        assert_eq!((event.event_id, event.record_id, event.level.as_deref()), (Some(7036), Some(9), Some("Information")));
        assert_eq!((event.computer.as_deref(), event.channel.as_deref(), event.provider.as_deref()), (Some("WS1"), Some("System"), Some("P")));
        assert_eq!(event.time, Some(1_600_365_438_123_456_700));
        assert_eq!(event.user.as_deref(), Some("S-1-5-18"));
        assert_eq!((event.pid, event.ppid), (None, None), "Execution is the logging process");
        let expected = serde_json::json!({"EventData@Name": "N", "param1": "a\\b", "Data_x": null, "System": {
            "Provider": {"Name": "P"}, "EventID@Qualifiers": 16384, "EventID": 7036, "Level": 4,
            "TimeCreated": {"SystemTime": "2020-09-17T17:57:18.1234567Z"}, "EventRecordID": 9, "Execution": {"ProcessID": 4, "ThreadID": 8},
            "Channel": "System", "Computer": "WS1", "Security": {"UserID": "S-1-5-18"}}});
        assert_eq!(fields(&event), expected);
    }

    #[test]
    fn unnamed_data_are_one_array() {
        assert_eq!(fields(&read(r##","EventData":{"Data":{"#text":["a","b"]},"Binary":"00"}"##))["Data"], serde_json::json!(["a", "b"]));
        assert_eq!(fields(&read(r##","EventData":{"Data":{"#text":"a"}}"##))["Data"], serde_json::json!(["a"]));
        assert_eq!(fields(&read(r#","EventData":null"#))["Data"], serde_json::Value::Null);
    }

    #[test]
    fn user_data_leaves_stand_at_the_top_and_clashes_keep_their_container() {
        let event = read(r##","UserData":{"LogFileCleared":{"#attributes":{"xmlns:auto":"x","Kind":"k"},"Channel":"Security","Inner":{"Channel":"two"}}}"##);
        let fields = fields(&event);
        assert_eq!((&fields["Channel"], &fields["Inner.Channel"], &fields["LogFileCleared@Kind"]), (&"Security".into(), &"two".into(), &"k".into()));
    }

    #[test]
    fn a_time_no_column_can_hold_is_kept_as_text() {
        let mut event = Event::default();
        set_time(&mut event, Some("1601-01-01T00:00:00.0000000Z"), Some(5));
        assert_eq!((event.time, event.time_text.as_deref()), (None, Some("1601-01-01T00:00:00.0000000Z")));
        let mut event = Event::default();
        set_time(&mut event, None, Some(5));
        assert_eq!((event.time, event.time_text), (Some(5), None));
    }

    #[test]
    fn deep_nesting_ends() {
        let mut inner = String::from("1");
        for _ in 0..200 {
            inner = format!(r#"{{"a":{inner}}}"#);
        }
        assert!(read(&format!(r#","UserData":{{"x":{inner}}}"#)).fields.len() > 200);
    }
}
