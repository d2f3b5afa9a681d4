//! Everything the analyst can ask for, as values: the window pushes them, [`crate::app::Session::apply`] carries them out. They are nested by what
//! they act on, and each group is matched to its last member in one place: a command that nobody carries out does not compile.

use crate::app::columns::Column;
use crate::app::export::{ExportForm, ExportOrder};
use crate::app::ordinary::OrdinaryForm;
use crate::app::prefs::Look;
use crate::app::rows::{Show, Step};
use crate::domain::{Compute, DetectorId, EventKey, Preset, RankBy, Settings, Verdict};
use std::path::PathBuf;

/// What stands over the window, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Dialog {
    Open,
    Combined,
    Compare,
    Coverage,
    Export,
    ExportEvents,
    Import,
    Indicators,
    Ordinary,
    Rules,
    Save,
    SaveBaseline,
    Searches,
    Settings,
    Palette,
    Keys,
    Notices,
    About,
    Mapping,
    Words,
}

/// Everything the analyst can ask for, by what it acts on.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// What is asked of the case as a whole: opened, saved, closed, read otherwise.
    Case(CaseCommand),
    /// Work that takes a while.
    Job(JobCommand),
    /// What the next analysis does.
    Plan(PlanCommand),
    /// What the analyst says of events: flags, notes, tags, labels; and taking it back.
    Mark(MarkCommand),
    /// What is called ordinary and leaves the ranking.
    Ordinary(OrdinaryCommand),
    /// Which ranking is on the screen, by which measure, cut where, in which order.
    View(ViewCommand),
    /// What narrows the list on the screen, be it the ranking or all events.
    Narrow(NarrowCommand),
    /// What is selected and looked at.
    Selection(SelectionCommand),
    /// The list of all events.
    Browse(BrowseCommand),
    /// The words that a ranking learned.
    Words(WordsCommand),
    /// The window itself: what stands over it, how it looks, what it remembers for the analyst.
    Window(WindowCommand),
    /// Asks the system's dialog for a file or folder.
    Pick(Pick),
}

macro_rules! nested {
    ($($group:ident $inner:ident),*) => {
        $(impl From<$inner> for Command {
            fn from(inner: $inner) -> Self {
                Self::$group(inner)
            }
        })*
    };
}

nested!(Case CaseCommand, Job JobCommand, Plan PlanCommand, Mark MarkCommand, Ordinary OrdinaryCommand, View ViewCommand, Narrow NarrowCommand, Selection SelectionCommand, Browse BrowseCommand, Words WordsCommand, Window WindowCommand, Pick Pick);

/// What is asked of the case as a whole: opened, saved, closed, read otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum CaseCommand {
    /// Reads evidence into the case (or opens a case folder).
    Open(Vec<PathBuf>),
    /// Opens an unsaved case again.
    Recover(PathBuf),
    /// Deletes an unsaved case.
    Remove(PathBuf),
    /// Zone in which local times of evidence are read from now on.
    EvidenceZone(String),
    /// Opens the built-in demo case.
    Demo,
    /// Puts the case where it is to stay.
    SaveAs(PathBuf),
    /// Closes the case.
    Close,
    /// Asks what the columns of a source mean that is a table.
    MapColumns(usize),
    /// Changes what they are to mean.
    Mapping(Box<crate::engine::Mapping>),
    /// Reads the table so, and remembers it by its header; with `as_told` forgets what was remembered of it instead.
    ReadMapped {
        /// As it is told by its content.
        as_told: bool,
    },
}

/// Work that takes a while.
#[derive(Clone, Debug, PartialEq)]
pub enum JobCommand {
    /// Trains and ranks.
    Analyse,
    /// Stops what runs.
    Cancel,
    /// Trains the published networks of process behaviour, and ours, side by side.
    CompareNetworks,
    /// Hashes the evidence again.
    Verify,
    /// Saves what the known-good evidence teaches: where, and in what words it is described.
    SaveBaseline(PathBuf, String),
    /// Marks what holds an indicator of a list.
    Indicators(PathBuf),
    /// Adds what was said in an exported ranking.
    ImportAnnotations(PathBuf),
    /// Writes rows to files: which, CSV, JSONL, and whether existing files may be replaced.
    Export(ExportOrder),
    /// Writes the events that the list of all events shows into a file.
    ExportEvents(PathBuf),
}

/// What the next analysis does.
#[derive(Clone, Debug, PartialEq)]
pub enum PlanCommand {
    /// Adds known-good evidence, saved baselines or cases.
    AddBaseline(Vec<PathBuf>),
    /// Takes one of them out again.
    DropBaseline(PathBuf),
    /// Uses a source of this case as known-good, or no longer.
    UseAsBaseline(usize, bool),
    /// Chooses whether a detector takes part.
    Choose(DetectorId, bool),
    /// Chooses the preset.
    Preset(Preset),
    /// Chooses where to train.
    Compute(Compute),
    /// Whether the knowledge tables take part.
    Prior(bool),
    /// Changes the detectors' settings.
    Settings(Box<Settings>),
    /// Which time the next analysis looks at, from..=to.
    Scope(Option<(i64, i64)>),
    /// Before which time the case is known-good to the next analysis.
    KnownGoodBefore(Option<i64>),
    /// Learns from a label file, or no longer.
    Labels(Option<PathBuf>),
}

/// What the analyst says of events: flags, notes, tags, labels; and taking it back.
#[derive(Clone, Debug, PartialEq)]
pub enum MarkCommand {
    /// Flags the selection or takes its flag away.
    ToggleFlag,
    /// Flags a subject or takes its flag away.
    Flag(u32, bool),
    /// Flags an event or takes its flag away, whether or not it is ranked.
    FlagEvent(EventKey, bool),
    /// Flags every visible row that is above the threshold.
    FlagAbove,
    /// Writes a subject's note.
    Note(EventKey, String),
    /// Adds a tag to the selection.
    Tag(String),
    /// Takes a tag from it.
    Untag(String),
    /// Labels the selection's process for the classifier, or takes that label away.
    Label(Verdict),
    /// Selects the unlabelled process that the classifier is least sure of.
    LeastSure,
    /// Writes the case's labels as CSV.
    ExportLabels(PathBuf),
    /// Takes back the last step.
    Undo,
    /// Does it again.
    Redo,
}

/// What is called ordinary and leaves the ranking.
#[derive(Clone, Debug, PartialEq)]
pub enum OrdinaryCommand {
    /// Asks what is to be called ordinary: the selection, or all like it.
    MarkOrdinary,
    /// Changes what that dialog holds.
    OrdinaryForm(Box<OrdinaryForm>),
    /// Takes what the dialog describes out of the ranking.
    CallOrdinary,
    /// Brings back what a rule took out, by its place in the list.
    DropRule(usize),
    /// Adds the rules of a suppression file.
    ImportRules(PathBuf),
    /// Writes the rules as a suppression file.
    ExportRules(PathBuf),
}

/// Which ranking is on the screen, by which measure, cut where, in which order.
#[derive(Clone, Debug, PartialEq)]
pub enum ViewCommand {
    /// Shows a detector's ranking.
    ShowDetector(DetectorId),
    /// Shows a detector's ranking with an event's subject selected.
    GoTo(DetectorId, EventKey),
    /// Ranks by another measure.
    RankBy(RankBy),
    /// Moves the threshold while it is being dragged; nothing is remembered for undo.
    DragThreshold(f64),
    /// Sets the threshold.
    Threshold(f64),
    /// Sets it at a quantile, 0..=1.
    Quantile(f64),
    /// Moves it by hundredths of the range.
    Nudge(f64),
    /// Sorts by a column, or the other way round.
    Sort(Column),
}

/// What narrows the list on the screen, be it the ranking or all events.
#[derive(Clone, Debug, PartialEq)]
pub enum NarrowCommand {
    /// Changes the search text.
    Search(String),
    /// Whether the search marks what it finds instead of taking the rest away.
    Highlight(bool),
    /// Adds a term to the search text.
    SearchFor(String),
    /// Narrows to the scores of a bar, or no longer.
    Bar(Option<(f64, f64)>),
    /// Narrows to a range of time, or no longer.
    Brush(Option<(i64, i64)>),
    /// Shows a part of the ranking.
    Show(Show),
    /// Shows only flagged rows, or all again.
    FlaggedOnly,
    /// Takes every narrowing away.
    ShowAll,
}

/// What is selected and looked at.
#[derive(Clone, Debug, PartialEq)]
pub enum SelectionCommand {
    /// Selects a subject by its index in the report.
    Select(u32),
    /// Moves the selection.
    Step(Step),
    /// Goes to a row by rank, from 1.
    GoToRank(u32),
    /// The next (+1) or previous (-1) row of the table.
    NextHit(i32),
    /// The next (+1) or previous (-1) flagged row.
    NextFlagged(i32),
    /// Looks at a single event.
    LookAt(EventKey),
    /// Reads the raw record of the event that is looked at, in the evidence.
    ReadRecord,
    /// Stops reading it.
    StopRecord,
    /// Looks at the selected subject again.
    LookBack,
}

/// The list of all events.
#[derive(Clone, Debug, PartialEq)]
pub enum BrowseCommand {
    /// Shows the list of all events, or the ranking again.
    ToggleEvents,
    /// Shows the events that a search finds, at times from..=to if given.
    ShowEvents {
        /// The search text.
        search: String,
        /// Nanoseconds UTC.
        time: Option<(i64, i64)>,
    },
    /// Counts the events found by the values of a column, or no longer.
    GroupEvents(Option<crate::case::search::Column>),
    /// Sorts them by a column, or the other way round.
    SortEvents(crate::case::search::Column),
    /// Shows another page of them, from 0.
    EventsPage(usize),
}

/// The words that a ranking learned.
#[derive(Clone, Debug, PartialEq)]
pub enum WordsCommand {
    /// Shows the words that the shown ranking learned.
    LookAtWords,
    /// Lists the neighbours of one of them.
    ChooseWord(usize),
    /// Changes the expressions that merge them.
    Expressions(Vec<crate::domain::Expression>),
    /// Learns again with these expressions.
    LearnWordsAgain,
}

/// The window itself: what stands over it, how it looks, what it remembers for the analyst.
#[derive(Clone, Debug, PartialEq)]
pub enum WindowCommand {
    /// Keeps the search text under a name.
    SaveSearch(String),
    /// Forgets a kept search, by its place in the list.
    DropSearch(usize),
    /// Shows or hides a column.
    ToggleColumn(Column),
    /// The usual columns.
    UsualColumns,
    /// Changes what the export dialog holds.
    ExportForm(Box<ExportForm>),
    /// Copies text.
    Copy(String),
    /// Copies the selected row as tab-separated text.
    CopyRow,
    /// Opens or closes what stands over the window.
    Dialog(Option<Dialog>),
    /// Closes the uppermost thing, or cancels.
    Escape,
    /// Puts the cursor into the search box.
    FocusSearch,
    /// Puts the cursor into the note.
    FocusNote,
    /// Takes the notices away.
    ClearNotices,
    /// Light or dark.
    Look(Look),
    /// Size of everything, 1 = as the system says.
    Scale(f32),
    /// Larger or smaller by tenths.
    Zoom(i32),
    /// Zone in which times are shown.
    Zone(String),
    /// Full screen, or no longer.
    FullScreen,
    /// Shows or hides the left panel.
    ToggleLeft,
    /// Shows or hides the right panel.
    ToggleRight,
    /// Ends the program.
    Quit,
}

/// What only the window itself can do, asked for by [`crate::app::Session::apply`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A file dialog.
    Pick(Pick),
    /// The clipboard.
    Copy(String),
    /// The cursor in the search box.
    FocusSearch,
    /// The cursor in the note.
    FocusNote,
    /// Row to scroll to.
    Reveal,
    /// Full screen, or no longer.
    FullScreen,
    /// The end.
    Quit,
}

/// What a file dialog is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Pick {
    EvidenceFiles,
    EvidenceFolder,
    Baseline,
    SaveCase,
    ExportFile,
    Labels,
    LabelsOut,
    Annotations,
    Indicators,
    BaselineOut,
    EventsOut,
}
