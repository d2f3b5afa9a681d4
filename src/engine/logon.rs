//! Which logon sessions an event belongs to.

use crate::domain::Event;
use serde_json::Value;

/// Sessions of the system itself: every service runs in them, so that they say nothing.
const SYSTEM: [u64; 4] = [0, 0x3e4, 0x3e5, 0x3e7];

/// The IDs of the logon sessions that an event's fields name, as `0x1a2b3c`, each once, without those of the system itself.
#[must_use]
pub fn logon_ids(event: &Event) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(fields) = serde_json::from_str::<Value>(&event.fields) {
        walk(&fields, 6, &mut found);
    }
    found.iter().map(|id| format!("0x{id:x}")).collect()
}

fn walk(value: &Value, depth: usize, found: &mut Vec<u64>) {
    let Value::Object(map) = value else { return };
    for (name, value) in map {
        if name.ends_with("LogonId") {
            if let Some(id) = number(value).filter(|id| !SYSTEM.contains(id) && !found.contains(id)) {
                found.push(id);
            }
        } else if depth > 0 {
            walk(value, depth - 1, found);
        }
    }
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_however_they_are_spelt_and_the_system_s_left_out() {
        let event = |fields: &str| Event { fields: fields.into(), ..Event::default() };
        let both = r#"{"EventData":{"SubjectLogonId":"0x3e7","TargetLogonId":"0x0001A2B3","LogonGuid":"{}"},"System":{"EventID":4624}}"#;
        assert_eq!(logon_ids(&event(both)), ["0x1a2b3"]);
        assert_eq!(logon_ids(&event(r#"{"LogonId":107187,"x":{"TargetLogonId":"0x1a2b3"}}"#)), ["0x1a2b3"]);
        assert_eq!(logon_ids(&event(r#"{"TargetLogonId":"0x5","SubjectLogonId":"0x6"}"#)), ["0x5", "0x6"]);
        for nothing in ["", "[]", r#"{"LogonId":"none"}"#, r#"{"LogonId":{"a":1}}"#, r#"{"LogonId":-1}"#] {
            assert!(logon_ids(&event(nothing)).is_empty(), "{nothing}");
        }
    }
}
