//! What belongs to one case, in one value: it is made when nothing is open, filled by what is opened, and dropped whole when the case is closed.
//!
//! There is always one. While `case` is still empty, nothing is open or evidence is being read for the first time; the same panels are drawn from it
//! then, with nothing in them, and what the analyst chooses beforehand (settings, baselines, the zone of the evidence) is chosen for the case that is
//! opened next. What threads of a closed case still find goes into channels that were dropped with this value.

use crate::app::background::{Background, Wake};
use crate::app::browse::Browse;
use crate::app::combined::Combined;
use crate::app::drill::Drill;
use crate::app::export::ExportForm;
use crate::app::lexicon::Lexicon;
use crate::app::mapping::{Looked, MappingForm};
use crate::app::marks::{Mark, Marks};
use crate::app::ordinary::OrdinaryForm;
use crate::app::undo::Undo;
use crate::app::view::View;
use crate::case::Case;
use crate::case::search::Search;
use crate::domain::{CurvePoint, DetectorId, EventKey, Ledger, Plan, Suppression};
use crate::engine::{Compared, Coverage, Findings, Ranking};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Tells one open case from every other of this window, also from the same folder opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId(pub(super) u64);

/// Which case something is about, for what arrives after it was closed.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    pub id: CaseId,
    /// Its title.
    pub title: String,
}

/// What is known of a detector on this case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Readiness {
    /// Not asked yet.
    #[default]
    Unknown,
    /// Can run.
    Ready,
    /// Cannot, and why.
    Cannot(String),
    /// Running now.
    Running,
}

/// What the analyst chose for the next analysis and for reading evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    /// What the next analysis does.
    pub plan: Plan,
    /// Detectors that are to take part.
    pub chosen: BTreeSet<DetectorId>,
    /// Sources of this case used as known-good.
    pub known_good: BTreeSet<PathBuf>,
    /// Zone in which local times of evidence are read.
    pub evidence_zone: String,
}

impl Default for Choices {
    fn default() -> Self {
        Self { plan: Plan::standard(), chosen: DetectorId::ALL.into(), known_good: BTreeSet::new(), evidence_zone: "UTC".into() }
    }
}

/// What was said while the case was being saved elsewhere: it went into the case that was, and has to go into the saved one too.
#[derive(Default)]
pub(super) struct Late {
    pub marks: Vec<(EventKey, Mark)>,
    pub rules: bool,
}

/// What belongs to one case.
pub struct OpenCase {
    pub(super) id: CaseId,
    pub(super) case: Option<Case>,
    pub(super) is_demo: bool,
    pub(super) auto_analyse: bool,
    /// Files that were opened by themselves, until they are read.
    pub(super) opened_files: Vec<PathBuf>,
    /// The case's name, or what was opened.
    pub title: String,
    /// The ledger.
    pub sources: Arc<Vec<Ledger>>,
    /// What the analyst chose for the next analysis.
    pub choices: Choices,
    /// What is known of each detector.
    pub readiness: BTreeMap<DetectorId, Readiness>,
    /// Rankings that are there.
    pub rankings: BTreeMap<DetectorId, Ranking>,
    pub(super) recalled: Option<DetectorId>,
    /// The ranking on the screen.
    pub view: View,
    pub(super) dragged_from: Option<f64>,
    pub(super) search: Option<Arc<Search>>,
    /// Why the search text cannot be understood.
    pub search_fault: Option<String>,
    /// The panel at the right.
    pub drill: Drill,
    /// The list of all events.
    pub browse: Browse,
    /// Flags, notes, tags.
    pub marks: Marks,
    pub(super) marks_read: Background<Marks>,
    pub(super) late: Late,
    /// What can be taken back.
    pub undo: Undo,
    /// What was called ordinary.
    pub rules: Arc<Suppression>,
    /// The dialog that calls something ordinary.
    pub ordinary: OrdinaryForm,
    /// What rules found among the events.
    pub findings: Arc<Findings>,
    pub(super) findings_read: Background<Result<Findings, String>>,
    /// What the logs cover.
    pub coverage: Option<Arc<Coverage>>,
    pub(super) covering: Background<Result<Coverage, String>>,
    /// What networks made of the labels, in the order in which they were trained.
    pub compared: Vec<Compared>,
    /// All detectors in one list.
    pub combined: Combined,
    /// The words that were learned.
    pub lexicon: Lexicon,
    /// The dialog about a table's columns.
    pub mapping: Option<MappingForm>,
    pub(super) mapping_found: Background<Looked>,
    /// Tables whose columns were asked about.
    pub(super) mapping_asked: BTreeSet<String>,
    /// The export dialog.
    pub export: ExportForm,
    /// How many rows of the ranking are flagged, for the export dialog.
    pub(super) flagged_rows: Option<usize>,
    pub(super) flagged_counted: Background<usize>,
    /// Training of the detector that runs, or ran last.
    pub curve: Vec<CurvePoint>,
    /// Which detector that is.
    pub curve_of: Option<DetectorId>,
}

impl OpenCase {
    /// Nothing open yet.
    pub(super) fn new(id: CaseId, choices: Choices, wake: &Wake) -> Self {
        let wake = || Arc::clone(wake);
        Self {
            id,
            case: None,
            is_demo: false,
            auto_analyse: false,
            opened_files: vec![],
            title: String::new(),
            sources: Arc::default(),
            choices,
            readiness: BTreeMap::new(),
            rankings: BTreeMap::new(),
            recalled: None,
            view: View::new(wake()),
            dragged_from: None,
            search: None,
            search_fault: None,
            drill: Drill::default(),
            browse: Browse::new(wake()),
            marks: Marks::default(),
            marks_read: Background::new(wake()),
            late: Late::default(),
            undo: Undo::default(),
            rules: Arc::default(),
            ordinary: OrdinaryForm::default(),
            findings: Arc::default(),
            findings_read: Background::new(wake()),
            coverage: None,
            covering: Background::new(wake()),
            compared: vec![],
            combined: Combined::new(wake()),
            lexicon: Lexicon::new(wake()),
            mapping: None,
            mapping_found: Background::new(wake()),
            mapping_asked: BTreeSet::new(),
            export: ExportForm::default(),
            flagged_rows: None,
            flagged_counted: Background::new(wake()),
            curve: vec![],
            curve_of: None,
        }
    }

    /// Which case this is.
    #[must_use]
    pub fn id(&self) -> CaseId {
        self.id
    }

    /// The case itself, once it is open.
    #[must_use]
    pub fn case(&self) -> Option<&Case> {
        self.case.as_ref()
    }

    /// Its identity, for what arrives later.
    pub(super) fn whose(&self) -> Whose {
        Whose { id: self.id, title: self.title.clone() }
    }
}
