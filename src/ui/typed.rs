//! What is typed into a field that a key has just opened, where a slow frame holds both: it waits until the field is there.

use crate::app::{Command, WindowCommand};
use eframe::egui::{Context, Event};

/// Passes after which what waits is handed on wherever it goes: what was opened has no field.
const LONGEST: u8 = 4;

/// What waits.
#[derive(Default)]
pub(super) struct Typed {
    events: Vec<Event>,
    passes: u8,
}

impl Typed {
    /// Whether a command opens a field for what is typed next.
    pub(super) fn is_for(command: &Command) -> bool {
        matches!(command, Command::Window(WindowCommand::FocusSearch | WindowCommand::FocusNote | WindowCommand::Dialog(Some(_))))
    }

    /// Keeps an event until then, if it is one of the keyboard's; whether it is.
    pub(super) fn keep(&mut self, event: &Event) -> bool {
        let keyboard = matches!(event, Event::Key { .. } | Event::Text(_) | Event::Paste(_) | Event::Ime(_));
        if keyboard {
            self.events.push(event.clone());
        }
        keyboard
    }

    /// Hands on what waits, if the field is there; to be called at the beginning of every pass.
    pub(super) fn hand_on(&mut self, ctx: &Context) {
        if self.events.is_empty() {
            return;
        }
        self.passes += 1;
        // The pass that opens the field is one, the pass that gives it the keyboard another.
        if self.passes >= 2 && ctx.text_edit_focused() || self.passes > LONGEST {
            let waited = std::mem::take(self).events;
            ctx.input_mut(|i| drop(i.events.splice(0..0, waited)));
        } else {
            ctx.input_mut(|i| i.events.retain(|event| !self.keep(event)));
            ctx.request_repaint();
        }
    }
}
