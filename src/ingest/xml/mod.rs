//! Windows events as XML: Event Viewer's *Save as XML* (`<Events>`), `wevtutil qe`, `evtx_dump`. `pieces` cuts the text into events, `element` turns
//! one into the JSON that the EVTX reader takes, so that an event comes out the same whichever way it came.

mod element;
mod pieces;

use super::evtx;
use super::format::{Format, Head, Input};
use super::output::Output;
use super::table::encoding;
use crate::control::RunError;
use pieces::{Piece, Pieces};

/// Events between looks at whether to stop.
const CHECK: u64 = 1024;

/// Events as XML, in both forms that there are: as one document, or as `evtx_dump` writes them.
pub(super) struct EventXml {
    /// As `evtx_dump` writes it: each event behind a line with its number.
    pub(super) dumped: bool,
}

impl Format for EventXml {
    fn name(&self) -> &'static str {
        if self.dumped { "evtx_dump XML" } else { "Event XML" }
    }

    fn zone(&self) -> &'static str {
        "stated"
    }

    fn recognise(&self, head: &Head<'_>) -> Option<f32> {
        let (encoding, mark) = encoding::detect(head.bytes);
        let text = encoding::head_text(head.bytes.get(mark..)?, encoding)?;
        let text = text.trim_start();
        let dumped = text.strip_prefix("Record ").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        if dumped != self.dumped || !(dumped || text.starts_with('<')) {
            return None;
        }
        let at = pieces::begin(text.as_bytes())?;
        // The namespace, or what every event begins with.
        let begin = text.get(at..text.floor_char_boundary(at.saturating_add(400)))?;
        (begin.contains("schemas.microsoft.com/win/2004/08/events") || begin.contains("<System")).then_some(0.98)
    }

    fn read(&self, input: &Input<'_>, output: &mut Output<'_>) -> Result<(), RunError> {
        let mut pieces = match Pieces::open(input) {
            Ok(pieces) => pieces,
            Err(error) => {
                output.lost(None, None, format!("reading failed ({error}); is the medium damaged?"));
                return Ok(());
            }
        };
        let (mut record, mut told) = (0u64, 0u64);
        loop {
            let piece = match pieces.next() {
                Ok(Some(piece)) => piece,
                Ok(None) => return Ok(()),
                Err(error) => {
                    output.lost(pieces.offset(), Some(record.saturating_add(1)), format!("reading failed ({error}); what follows was not read"));
                    return Ok(());
                }
            };
            match piece {
                Piece::Event(offset, text) => {
                    record = record.saturating_add(1);
                    match element::json(&text).and_then(|json| evtx::event_from_json(json.as_bytes())) {
                        Ok(mut event) => {
                            (event.record, event.offset) = (record, offset);
                            output.event(event)?;
                        }
                        Err(what) => output.bad(offset, Some(record), format!("event {record} cannot be read: {what}")),
                    }
                }
                Piece::Broken(offset, what) => {
                    record = record.saturating_add(1);
                    output.bad(offset, Some(record), what);
                }
                Piece::Stray(offset, what) => output.lost(offset, None, what),
            }
            if record.is_multiple_of(CHECK) {
                input.control.check()?;
                let read = pieces.consumed();
                (input.progress)(read.saturating_sub(told));
                told = read;
            }
        }
    }
}
