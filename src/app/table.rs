//! The one table of commands: menus, palette, shortcuts, tooltips and the page of keys are drawn from it.

use crate::app::command::{
    BrowseCommand, CaseCommand, Command, Dialog, JobCommand, MarkCommand, NarrowCommand, OrdinaryCommand, Pick, SelectionCommand, ViewCommand, WindowCommand,
    WordsCommand,
};
use crate::app::prefs::Look;
use crate::app::rows::{Show, Step};
use crate::app::session::Session;
use crate::domain::{RankBy, Verdict};

/// One command as people meet it.
pub struct Entry {
    /// Menu it stands in.
    pub menu: Menu,
    /// Its name.
    pub name: &'static str,
    /// Keys, as `Ctrl+Shift+K`, separated by blanks; empty without.
    pub keys: &'static str,
    /// What it does, in a sentence.
    pub help: &'static str,
    /// Builds it.
    pub command: fn() -> Command,
    /// Why it cannot be done now, if so.
    pub hindrance: fn(&Session) -> Option<&'static str>,
}

/// The menus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Menu {
    Case,
    Analyse,
    Table,
    View,
    Help,
}

impl Menu {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Case, Self::Analyse, Self::Table, Self::View, Self::Help];

    /// The name shown.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Case => "Case",
            Self::Analyse => "Analysis",
            Self::Table => "Ranking",
            Self::View => "View",
            Self::Help => "Help",
        }
    }
}

fn free(_: &Session) -> Option<&'static str> {
    None
}
fn case(session: &Session) -> Option<&'static str> {
    session.case().is_none().then_some("open evidence first")
}
fn ranking(session: &Session) -> Option<&'static str> {
    session.open.view.order.is_none().then_some("analyse first")
}
fn rows(session: &Session) -> Option<&'static str> {
    if session.open.browse.open { None } else { ranking(session) }
}
fn selected(session: &Session) -> Option<&'static str> {
    if session.open.browse.open {
        return Some("go back to the ranking first (F6)");
    }
    session.open.view.selected.is_none().then_some("select a row first")
}
fn exportable(session: &Session) -> Option<&'static str> {
    if session.open.browse.open { session.open.browse.found.is_empty().then_some("no event is listed") } else { ranking(session) }
}
fn marked(session: &Session) -> Option<&'static str> {
    if session.open.browse.open { session.open.browse.selected.is_none().then_some("select an event first") } else { selected(session) }
}
fn idle(session: &Session) -> Option<&'static str> {
    case(session).or_else(|| session.activity.is_busy().then_some("wait for what runs, or cancel it"))
}
fn busy(session: &Session) -> Option<&'static str> {
    (!session.activity.is_busy()).then_some("nothing runs")
}
fn undo(session: &Session) -> Option<&'static str> {
    (!session.open.undo.can_undo()).then_some("nothing to undo")
}
fn redo(session: &Session) -> Option<&'static str> {
    (!session.open.undo.can_redo()).then_some("nothing to redo")
}
fn narrowed(session: &Session) -> Option<&'static str> {
    (!session.open.browse.open && !session.open.view.narrow.is_active() && session.open.view.narrow.show == Show::All).then_some("everything is shown")
}

macro_rules! entries {
    ($($menu:ident, $name:literal, $keys:literal, $hindrance:ident, $command:expr, $help:literal;)*) => {
        &[$(Entry { menu: Menu::$menu, name: $name, keys: $keys, help: $help, command: || Command::from($command), hindrance: $hindrance }),*]
    };
}

/// Every command that has a name.
pub static COMMANDS: &[Entry] = entries![
    Case, "Open evidence…", "Ctrl+O", free, WindowCommand::Dialog(Some(Dialog::Open)), "Opens event logs, timelines, folders of them, or a case";
    Case, "Try the demo case", "", free, CaseCommand::Demo, "Opens a small synthetic estate with an intrusion planted in it";
    Case, "Save case as…", "Ctrl+S", case, WindowCommand::Dialog(Some(Dialog::Save)), "Puts the case, with flags and notes, where it is to stay";
    Case, "Export…", "Ctrl+E", exportable, WindowCommand::Dialog(Some(Dialog::Export)), "Writes flagged, above, visible or all rows to CSV, JSONL, XLSX, Parquet or an HTML report; the list of all events to CSV or JSONL";
    Case, "Import annotations…", "", idle, WindowCommand::Dialog(Some(Dialog::Import)), "Adds flags, tags and notes of a ranking that was exported before, here or by a colleague";
    Case, "Indicators…", "", case, WindowCommand::Dialog(Some(Dialog::Indicators)), "Marks and shows what holds a hash, name, address or domain of a list";
    Case, "Verify evidence", "", idle, JobCommand::Verify, "Hashes every source again and says what is not as it was read";
    Case, "Close case", "Ctrl+W", case, CaseCommand::Close, "Closes the case; everything done in it is kept";
    Case, "Quit", "Ctrl+Q", free, WindowCommand::Quit, "Ends Residue; everything done in the case is kept";
    Analyse, "Analyse", "F5 Ctrl+Enter", idle, JobCommand::Analyse, "Trains the chosen detectors on this evidence and ranks it";
    Analyse, "Cancel", "", busy, JobCommand::Cancel, "Stops what runs; what is finished is kept";
    Analyse, "Add baseline…", "", case, Pick::Baseline, "Adds known-good evidence to learn from";
    Analyse, "Save baseline…", "", idle, WindowCommand::Dialog(Some(Dialog::SaveBaseline)), "Saves what the known-good evidence teaches as a file without the evidence";
    Analyse, "Learn from a label file…", "", case, Pick::Labels, "Labels of processes as CSV, for the next analysis";
    Analyse, "Export labels…", "", case, Pick::LabelsOut, "Writes what was labelled here as CSV";
    Analyse, "Detector settings…", "Ctrl+Comma", free, WindowCommand::Dialog(Some(Dialog::Settings)), "Preset, device and every setting of every detector";
    Analyse, "Compare networks…", "", case, WindowCommand::Dialog(Some(Dialog::Compare)), "Trains the published networks of process behaviour, and ours, on the same labels";
    Analyse, "Words of process chains…", "", ranking, WordsCommand::LookAtWords, "Shows the words that the published preset learned, and the expressions that merge them";
    Table, "Flag", "Space", marked, MarkCommand::ToggleFlag, "Flags the selected row, or takes its flag away";
    Table, "Note", "N", marked, WindowCommand::FocusNote, "Writes a note on the selected row";
    Table, "Mark ordinary", "Shift+O", selected, OrdinaryCommand::MarkOrdinary, "Takes the selected row, and all like it, out of the ranking";
    Table, "Review what is ordinary…", "Ctrl+Shift+O", case, WindowCommand::Dialog(Some(Dialog::Rules)), "Lists what was called ordinary, brings it back, writes and reads suppression files";
    Table, "Label malicious", "M", selected, MarkCommand::Label(Verdict::Malicious), "Teaches the process classifier: the selected row's process is malicious; again to take it back";
    Table, "Label benign", "B", selected, MarkCommand::Label(Verdict::Benign), "Teaches the process classifier: the selected row's process is benign; again to take it back";
    Table, "Least sure next", "U", ranking, MarkCommand::LeastSure, "Selects the unlabelled process that the classifier is least sure of";
    Table, "Flag all visible above", "", ranking, MarkCommand::FlagAbove, "Flags every visible row that is above the threshold";
    Table, "Undo", "Ctrl+Z", undo, MarkCommand::Undo, "Takes back the last flag, note, tag, threshold, filter or call of ordinary";
    Table, "Redo", "Ctrl+Y Ctrl+Shift+Z", redo, MarkCommand::Redo, "Does again what was taken back";
    Table, "Search", "Ctrl+F", rows, WindowCommand::FocusSearch, "Narrows the table: blank = or, +must, -must not, \"a phrase\", column:value";
    Table, "Saved searches…", "Ctrl+Shift+F", rows, WindowCommand::Dialog(Some(Dialog::Searches)), "Keeps the search under a name, and searches for what was kept";
    Table, "Search marks only", "", ranking, NarrowCommand::Highlight(true), "The search marks what it finds in the whole table; F3 goes from one to the next";
    Table, "Search takes away", "", ranking, NarrowCommand::Highlight(false), "The table holds only what the search finds";
    Table, "Next row", "F3", rows, SelectionCommand::NextHit(1), "Selects the next row, or the next that the search marks";
    Table, "Previous row", "Shift+F3", rows, SelectionCommand::NextHit(-1), "Selects the previous row, or the previous that the search marks";
    Table, "Next flagged", "CloseBracket", ranking, SelectionCommand::NextFlagged(1), "Selects the next flagged row";
    Table, "Previous flagged", "OpenBracket", ranking, SelectionCommand::NextFlagged(-1), "Selects the previous flagged row";
    Table, "Flagged only", "Ctrl+B", ranking, NarrowCommand::FlaggedOnly, "Shows only flagged rows, or all again";
    Table, "Show everything", "", narrowed, NarrowCommand::ShowAll, "Takes search, bar, time range and parts away";
    Table, "Row up", "Up", rows, SelectionCommand::Step(Step::Up), "Selects the row above";
    Table, "Row down", "Down", rows, SelectionCommand::Step(Step::Down), "Selects the row below";
    Table, "Page up", "PageUp", rows, SelectionCommand::Step(Step::PageUp), "Moves the selection up by a page";
    Table, "Page down", "PageDown", rows, SelectionCommand::Step(Step::PageDown), "Moves the selection down by a page";
    Table, "First row", "Home", rows, SelectionCommand::Step(Step::Home), "Selects the first row";
    Table, "Last row", "End", rows, SelectionCommand::Step(Step::End), "Selects the last row";
    Table, "Threshold down", "Left", ranking, ViewCommand::Nudge(-1.0), "Moves the threshold down by a hundredth of the range";
    Table, "Threshold up", "Right", ranking, ViewCommand::Nudge(1.0), "Moves the threshold up by a hundredth of the range";
    Table, "Threshold down, far", "Shift+Left", ranking, ViewCommand::Nudge(-10.0), "Moves the threshold down by a tenth of the range";
    Table, "Threshold up, far", "Shift+Right", ranking, ViewCommand::Nudge(10.0), "Moves the threshold up by a tenth of the range";
    Table, "Copy row", "Ctrl+Shift+C", selected, WindowCommand::CopyRow, "Copies the selected row as tab-separated text";
    View, "Command palette", "Ctrl+K", free, WindowCommand::Dialog(Some(Dialog::Palette)), "Finds a command by its name";
    View, "Rank by recommended score", "Ctrl+1", ranking, ViewCommand::RankBy(RankBy::Recommended), "Histogram, threshold and table follow the recommended score";
    View, "Rank by autoencoder loss", "Ctrl+2", ranking, ViewCommand::RankBy(RankBy::Loss), "Histogram, threshold and table follow the autoencoder's loss";
    View, "Rank by rarity", "Ctrl+3", ranking, ViewCommand::RankBy(RankBy::Rarity), "Histogram, threshold and table follow rarity";
    View, "All events…", "F6", case, BrowseCommand::ToggleEvents, "Lists every event of the case, to search, sort and group by a column; again for the ranking";
    View, "Evidence panel", "F7", free, WindowCommand::ToggleLeft, "Shows or hides the panel at the left";
    View, "Details panel", "F8", free, WindowCommand::ToggleRight, "Shows or hides the panel at the right";
    View, "Coverage of the logs…", "", case, WindowCommand::Dialog(Some(Dialog::Coverage)), "Which computer's logs reach from when to when, missing record IDs, cleared logs, creations without command lines";
    View, "All detectors in one list…", "Ctrl+L", ranking, WindowCommand::Dialog(Some(Dialog::Combined)), "Every event's rank in each detector, one order made of all, and how computers and users stand";
    View, "Notices", "F9", free, WindowCommand::Dialog(Some(Dialog::Notices)), "What went wrong or is worth knowing, and what to do";
    View, "Theme: follow the system", "", free, WindowCommand::Look(Look::System), "Light or dark as the system is";
    View, "Theme: dark", "", free, WindowCommand::Look(Look::Dark), "Dark";
    View, "Theme: light", "", free, WindowCommand::Look(Look::Light), "Light";
    View, "Larger", "Ctrl+Plus Ctrl+Equals", free, WindowCommand::Zoom(1), "Everything larger by a tenth";
    View, "Smaller", "Ctrl+Minus", free, WindowCommand::Zoom(-1), "Everything smaller by a tenth";
    View, "Usual size", "Ctrl+0", free, WindowCommand::Scale(1.0), "As large as the system says";
    View, "Full screen", "F11", free, WindowCommand::FullScreen, "Full screen, or no longer";
    Help, "Keys", "F1", free, WindowCommand::Dialog(Some(Dialog::Keys)), "Every command with its keys";
    Help, "About Residue", "", free, WindowCommand::Dialog(Some(Dialog::About)), "Version, licences, and what a ranking means";
    Help, "Close or cancel", "Escape", free, WindowCommand::Escape, "Closes what stands over the window, or takes the last narrowing away";
];

/// The entry of a name.
#[must_use]
pub fn entry(name: &str) -> Option<&'static Entry> {
    COMMANDS.iter().find(|entry| entry.name == name)
}

/// Keys as people read them: `CloseBracket` as `]`.
#[must_use]
pub fn spell(keys: &str) -> String {
    keys.split(' ')
        .map(|combination| {
            let parts: Vec<&str> = combination
                .split('+')
                .map(|key| match key {
                    "CloseBracket" => "]",
                    "OpenBracket" => "[",
                    "Comma" => ",",
                    "Equals" => "=",
                    "Minus" => "-",
                    "PageUp" => "PgUp",
                    "PageDown" => "PgDn",
                    "Escape" => "Esc",
                    other => other,
                })
                .collect();
            parts.join("+")
        })
        .collect::<Vec<_>>()
        .join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_keys_are_given_once() {
        for (i, a) in COMMANDS.iter().enumerate() {
            for b in &COMMANDS[i + 1..] {
                assert_ne!(a.name, b.name);
                assert!(!a.keys.split(' ').any(|k| !k.is_empty() && b.keys.split(' ').any(|l| l == k)), "{} and {} share keys", a.name, b.name);
            }
        }
    }

    #[test]
    fn keys_are_spelt_for_people() {
        assert_eq!(spell("CloseBracket"), "]");
        assert_eq!(spell("Ctrl+Y Ctrl+Shift+Z"), "Ctrl+Y or Ctrl+Shift+Z");
    }
}
