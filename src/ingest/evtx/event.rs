//! Turns a record, rendered as JSON by the `evtx` crate, into an event.
//!
//! JSON rather than the crate's typed values: those come without names. Values are sliced out of it, not parsed into a tree.

use crate::domain::{Event, time};
use crate::ingest::values::{Values, members, quote, text};
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
    let mut values = Values::with_capacity(32);
    for member in members(json) {
        let (name, raw) = member?;
        if name != "Event" {
            element(&mut values, "", name, raw, 0)?;
            continue;
        }
        for part in members(raw) {
            let (name, raw) = part?;
            match &*name {
                "#attributes" => {}
                "System" => system.read(raw, &mut event)?,
                "EventData" => event_data(&mut values, raw)?,
                "UserData" => user_data(&mut values, raw)?,
                _ => element(&mut values, &name, name.clone(), raw, 0)?,
            }
        }
    }
    set_time(&mut event, system.time.as_deref(), header_time);
    windows::complete(&mut event, &values, system.user.as_deref());
    event.fields.reserve(json.len());
    event.fields.push('{');
    values.write_members(&mut event.fields);
    if !system.members.is_empty() {
        event.fields.push_str(if event.fields.len() > 1 { ",\"System\":{" } else { "\"System\":{" });
        event.fields.push_str(&system.members);
        event.fields.push('}');
    }
    event.fields.push('}');
    event.fields.shrink_to_fit();
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
fn event_data<'a>(values: &mut Values<'a>, raw: &'a str) -> Result<(), String> {
    if !raw.starts_with('{') {
        if raw != "null" && raw != "\"\"" {
            values.push("EventData", raw);
        }
        return Ok(());
    }
    for member in members(raw) {
        let (name, raw) = member?;
        match &*name {
            "#attributes" => attributes(values, "EventData", raw)?,
            "Data" => data(values, raw)?,
            "#text" => values.push("EventData", raw),
            _ => element(values, "EventData", name, raw, 0)?,
        }
    }
    Ok(())
}

fn data<'a>(values: &mut Values<'a>, raw: &'a str) -> Result<(), String> {
    let mut inner = Some(raw);
    if raw.starts_with('{') {
        inner = None;
        for member in members(raw) {
            match member? {
                (name, raw) if name == "#text" => inner = Some(raw),
                (name, raw) if name == "#attributes" => attributes(values, "Data", raw)?,
                (name, raw) => element(values, "Data", name, raw, 0)?,
            }
        }
    }
    if let Some(raw) = inner.filter(|raw| *raw != "null") {
        let array: Cow<'a, str> = if raw.starts_with('[') { raw.into() } else { format!("[{raw}]").into() };
        values.push("Data", array);
    }
    Ok(())
}

/// `UserData`: its container's leaves.
fn user_data<'a>(values: &mut Values<'a>, raw: &'a str) -> Result<(), String> {
    for member in members(raw) {
        let (name, raw) = member?;
        if name != "#attributes" {
            element(values, "UserData", name, raw, 0)?;
        }
    }
    Ok(())
}

/// One element: its text under its name, its attributes as `name@attribute`, its children the same way under their own names.
fn element<'a>(values: &mut Values<'a>, container: &str, name: Cow<'a, str>, raw: &'a str, depth: usize) -> Result<(), String> {
    if !raw.starts_with('{') || depth >= MAX_DEPTH {
        if depth == 0 && container == "EventData" {
            values.push(name, raw);
        } else {
            values.push_beside(container, name, raw);
        }
        return Ok(());
    }
    for member in members(raw) {
        let (child, raw) = member?;
        match &*child {
            "#text" => values.push_beside(container, name.clone(), raw),
            "#attributes" => attributes(values, &name, raw)?,
            _ => element(values, &name, child, raw, depth.saturating_add(1))?,
        }
    }
    Ok(())
}

fn attributes<'a>(values: &mut Values<'a>, element: &str, raw: &'a str) -> Result<(), String> {
    for member in members(raw) {
        let (name, raw) = member?;
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
    fn read(&mut self, raw: &str, event: &mut Event) -> Result<(), String> {
        self.members.reserve(raw.len());
        for member in members(raw) {
            let (name, raw) = member?;
            if raw == "null" {
                continue;
            }
            if !raw.starts_with('{') {
                column(event, &name, raw);
                self.write(&name, raw);
                continue;
            }
            self.compound(event, &name, raw)?;
        }
        Ok(())
    }

    /// An element with attributes: an object of them, unless it has a text too.
    fn compound(&mut self, event: &mut Event, name: &str, raw: &str) -> Result<(), String> {
        for member in members(raw) {
            let (child, raw) = member?;
            match &*child {
                "#attributes" => {
                    for attribute in members(raw) {
                        let (attribute, raw) = attribute?;
                        match (name, &*attribute) {
                            ("Provider", "Name") => event.provider = owned(raw),
                            ("TimeCreated", "SystemTime") => self.time = owned(raw),
                            ("Security", "UserID") => self.user = owned(raw),
                            ("EventID", _) => self.write("EventID@Qualifiers", raw),
                            _ => {}
                        }
                    }
                    if name != "EventID" {
                        self.write(name, raw);
                    }
                }
                "#text" => {
                    column(event, name, raw);
                    self.write(name, raw);
                }
                _ => self.write(&format!("{name}.{child}"), raw),
            }
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
