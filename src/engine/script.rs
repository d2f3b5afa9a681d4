//! PowerShell script blocks (event 4104): a long one is logged in pieces, which are put together again by their `ScriptBlockId`.

use crate::case::Snapshot;
use crate::control::RunError;
use crate::domain::{Event, EventKey};
use serde_json::Value;
use std::collections::BTreeMap;

/// Records looked at on each side of an event, at most: pieces are logged one after the other, with little between them.
const BESIDE: u64 = 2_000;
/// Bytes of a whole script that are kept.
const LONGEST: usize = 8 << 20;

/// A script block whose pieces were put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its text; pieces that are not in the log are named where they are missing.
    pub text: String,
    /// Pieces found.
    pub found: u64,
    /// Pieces logged.
    pub total: u64,
}

/// One piece.
struct Piece {
    id: String,
    number: u64,
    total: u64,
    text: String,
}

impl Piece {
    fn of(event: &Event) -> Option<Self> {
        if event.event_id != Some(4104) {
            return None;
        }
        let fields: Value = serde_json::from_str(&event.fields).ok()?;
        let cell = |name: &str| fields.get("EventData").unwrap_or(&fields).get(name).or_else(|| fields.get(name));
        let text = |name: &str| cell(name).and_then(Value::as_str).map(str::to_owned);
        let number = |name: &str| cell(name).and_then(|v| v.as_u64().or_else(|| v.as_str()?.trim().parse().ok()));
        Some(Self {
            id: text("ScriptBlockId").filter(|id| !id.is_empty())?,
            number: number("MessageNumber")?,
            total: number("MessageTotal")?,
            text: text("ScriptBlockText").unwrap_or_default(),
        })
    }
}

/// The whole script block of an event that holds a piece of one; `None` for other events, and for blocks in one piece.
///
/// # Errors
/// When the case cannot be read.
pub fn script(case: &Snapshot, key: EventKey, event: &Event) -> Result<Option<Script>, RunError> {
    let Some(own) = Piece::of(event).filter(|piece| piece.total > 1) else { return Ok(None) };
    let reach = own.total.saturating_mul(2).saturating_add(64).min(BESIDE) as usize;
    let mut pieces: BTreeMap<u64, String> = BTreeMap::new();
    for (_, other) in case.beside(key, reach)? {
        if other.computer == event.computer
            && let Some(piece) = Piece::of(&other).filter(|piece| piece.id == own.id)
        {
            pieces.entry(piece.number).or_insert(piece.text);
        }
    }
    Ok(Some(joined(&pieces, own.total)))
}

fn joined(pieces: &BTreeMap<u64, String>, total: u64) -> Script {
    let (mut text, mut next) = (String::new(), 1);
    let missing = |text: &mut String, from: u64, to: u64| {
        if from <= to {
            let which = if from == to { format!("piece {from}") } else { format!("pieces {from} to {to}") };
            text.push_str(&format!("\n[{which} of {total} not in the log]\n"));
        }
    };
    for (number, piece) in pieces {
        missing(&mut text, next, number.saturating_sub(1));
        if text.len() + piece.len() <= LONGEST {
            text.push_str(piece);
        }
        next = number.saturating_add(1);
    }
    missing(&mut text, next, total);
    Script { text, found: pieces.len() as u64, total }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::domain::{EventSink, Ledger};

    fn event(record: u64, id: &str, number: u64, total: u64, text: &str) -> Event {
        let fields =
            serde_json::json!({ "EventData": { "MessageNumber": number, "MessageTotal": total.to_string(), "ScriptBlockText": text, "ScriptBlockId": id } });
        Event { record, event_id: Some(4104), computer: Some("WS1".into()), fields: fields.to_string(), ..Event::default() }
    }

    fn case(events: Vec<Event>) -> Case {
        let case = Case::temporary().unwrap();
        let mut sink = case.begin("ps.evtx").unwrap();
        sink.write(events).unwrap();
        sink.finish(Ledger { source_file: "ps.evtx".into(), sha256: "a".repeat(64), ..Ledger::default() }).unwrap();
        case
    }

    #[test]
    fn pieces_come_together_in_their_order_whatever_stands_between() {
        let mut other = event(4, "x", 2, 3, "not me");
        other.computer = Some("WS2".into());
        let events = vec![event(1, "x", 2, 3, "two "), event(2, "y", 1, 2, "no"), event(3, "x", 1, 3, "one "), other, event(5, "x", 3, 3, "three")];
        let case = case(events.clone());
        for at in [0, 2, 4] {
            let found = script(&case.snapshot(), EventKey { source: 0, part: 0, record: events[at].record }, &events[at]).unwrap();
            assert_eq!(found, Some(Script { text: "one two three".into(), found: 3, total: 3 }));
        }
        case.discard();
    }

    #[test]
    fn what_is_missing_is_said_and_whole_blocks_are_left_alone() {
        let events = vec![event(1, "x", 2, 5, "two"), event(2, "x", 4, 5, "four"), event(3, "z", 1, 1, "whole"), event(4, "w", 1, u64::MAX, "huge")];
        let case = case(events.clone());
        let ask = |at: usize| script(&case.snapshot(), EventKey { source: 0, part: 0, record: events[at].record }, &events[at]).unwrap();
        let text = "\n[piece 1 of 5 not in the log]\ntwo\n[piece 3 of 5 not in the log]\nfour\n[piece 5 of 5 not in the log]\n";
        assert_eq!(ask(0), Some(Script { text: text.into(), found: 2, total: 5 }));
        assert_eq!(ask(2), None);
        assert_eq!(ask(3).unwrap().found, 1);
        case.discard();
    }
}
