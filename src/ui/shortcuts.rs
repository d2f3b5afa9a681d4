//! Keys to commands, from the one table.

use crate::app::{COMMANDS, Command, Dialog, Entry, Session, WindowCommand};
use crate::ui::screen::Queue;
use crate::ui::typed::Typed;
use eframe::egui::{self, Context, Key, KeyboardShortcut, Modifiers, text_selection::LabelSelectionState};

/// Keys in the table's spelling as egui knows them.
fn parse(combination: &str) -> Option<KeyboardShortcut> {
    let (mut modifiers, mut key) = (Modifiers::NONE, None);
    for part in combination.split('+') {
        match part {
            "Ctrl" => modifiers = modifiers.plus(Modifiers::COMMAND),
            "Shift" => modifiers = modifiers.plus(Modifiers::SHIFT),
            "Alt" => modifiers = modifiers.plus(Modifiers::ALT),
            name => key = Key::from_name(name),
        }
    }
    Some(KeyboardShortcut::new(modifiers, key?))
}

/// Every shortcut there is, those with most modifiers first, so that Ctrl+Shift+Z is not taken for Ctrl+Z.
fn all() -> Vec<(KeyboardShortcut, &'static Entry)> {
    let mut all: Vec<_> = COMMANDS.iter().flat_map(|e| e.keys.split(' ').filter(|k| !k.is_empty()).filter_map(move |k| Some((parse(k)?, e)))).collect();
    let weight = |s: &KeyboardShortcut| u8::from(s.modifiers.command) + u8::from(s.modifiers.shift) + u8::from(s.modifiers.alt);
    all.sort_by_key(|(s, _)| std::cmp::Reverse(weight(s)));
    all
}

/// Takes the keys that were pressed, in the order in which they were, and pushes their commands; a slow frame may hold several. What follows one that
/// opens a field is typed into that field, and waits for it.
pub(super) fn take(ctx: &Context, session: &Session, typed: &mut Typed, queue: &mut Queue) {
    if !ctx.input(|i| i.events.iter().any(|e| matches!(e, egui::Event::Key { pressed: true, .. } | egui::Event::Copy))) {
        return;
    }
    let typing = ctx.text_edit_focused();
    let focused = ctx.memory(|m| m.focused().is_some());
    let popup = ctx.any_popup_open();
    let blocked = |shortcut: &KeyboardShortcut, entry: &Entry| {
        // Function keys type nothing.
        let function = shortcut.logical_key.name().strip_prefix('F').is_some_and(|number| number.parse::<u8>().is_ok());
        let plain = (shortcut.conflicts_with_text_editing() || matches!(shortcut.logical_key, Key::Enter)) && !function;
        let escape = shortcut.logical_key == Key::Escape;
        let blocked = match session.dialog {
            // Under a dialog only these are taken; everything else belongs to the dialog.
            Some(dialog) => !(escape || matches!((entry.command)(), Command::Window(WindowCommand::Dialog(Some(d))) if d != dialog) && !plain),
            None => plain && !escape && (typing || focused || popup),
        };
        blocked || (escape && popup) || (escape && typing && session.dialog.is_none())
    };
    let (all, mut opened, mut own) = (all(), false, false);
    ctx.input_mut(|i| {
        i.events.retain(|event| {
            // The letter of the key itself is typed nowhere.
            if std::mem::take(&mut own) && matches!(event, egui::Event::Text(_)) {
                return false;
            }
            if opened {
                return !typed.keep(event);
            }
            let egui::Event::Key { key, modifiers, pressed: true, .. } = event else { return true };
            let fits = |s: &KeyboardShortcut| s.logical_key == *key && modifiers.matches_logically(s.modifiers);
            let found = all.iter().find(|(shortcut, entry)| fits(shortcut) && !blocked(shortcut, entry));
            if let Some((_, entry)) = found {
                let before = queue.len();
                push(session, entry, queue);
                opened = queue.get(before).is_some_and(Typed::is_for);
                own = opened && !modifiers.command;
            }
            found.is_none()
        });
    });
    let copy = ctx.input(|i| i.events.iter().any(|e| matches!(e, egui::Event::Copy)));
    if copy && !typing && session.dialog.is_none() && session.open.view.selected.is_some() && !ctx.plugin::<LabelSelectionState>().lock().has_selection() {
        queue.push(WindowCommand::CopyRow);
    }
}

fn push(session: &Session, entry: &Entry, queue: &mut Queue) {
    let command = (entry.command)();
    let toggled =
        matches!((&command, session.dialog), (Command::Window(WindowCommand::Dialog(Some(wanted))), Some(open)) if *wanted == open && open != Dialog::Open);
    if toggled {
        queue.push(WindowCommand::Dialog(None));
    } else if (entry.hindrance)(session).is_none() {
        queue.push(command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_in_the_table_is_one_that_egui_knows() {
        let written: Vec<&str> = COMMANDS.iter().flat_map(|e| e.keys.split(' ')).filter(|k| !k.is_empty()).collect();
        for keys in &written {
            assert!(parse(keys).is_some(), "{keys}");
        }
        assert_eq!(all().len(), written.len());
    }
}
